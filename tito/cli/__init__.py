"""The command line `tito`: parse, call, render. The work is done elsewhere in `tito`."""

import os
import sys


def main() -> None:
    """Run the command line (the entry point of the `tito` program)."""
    leave_the_learners_files_out(sys.path)
    from tito.cli.app import tito

    tito.main(prog_name="tito")


def leave_the_learners_files_out(path: list[str]) -> None:
    """Take the current folder, and what lies in it, off the import path.

    `python -m tito` and `PYTHONPATH=.` put it there, and a learner's `click.py` would run here,
    in the process that judges. Where `tito` itself is imported from stays, and so do folders of
    installed packages (a virtual environment may lie in the workspace).
    """
    try:
        here = os.path.realpath(os.getcwd())
    except OSError:  # the current folder is gone
        return
    home = os.path.realpath(os.path.join(os.path.dirname(__file__), *[os.pardir] * 2))
    path[:] = [entry for entry in path if _is_ours(os.path.realpath(entry), here, home)]


def _is_ours(entry: str, here: str, home: str) -> bool:
    inside = entry == here or entry.startswith(here + os.sep)
    return not inside or entry == home or "site-packages" in entry.split(os.sep)
