"""Where a learner's workspace is. The reference package carries this text: no other imports."""

import os


def _is_workspace(folder: str) -> bool:
    """True for a folder that `tito setup` made."""
    package = os.path.join(folder, "tinytorch", "__init__.py")
    holds_work = os.path.isfile(package) or os.path.isdir(os.path.join(folder, "modules"))
    return holds_work and os.path.isdir(os.path.join(folder, ".tinytorch"))


def _workspace_above(place: str | os.PathLike[str]) -> str | None:
    """Return the nearest workspace at or above the path `place`, or None."""
    folder = os.path.abspath(place)
    while not _is_workspace(folder):
        below, folder = folder, os.path.dirname(folder)
        if folder == below:
            return None
    return folder
