"""Where the curriculum lies: beside `tito` in a checkout, inside it in an installed wheel."""

from __future__ import annotations

from pathlib import Path

from tito.errors import TitoError

PACKAGE = Path(__file__).resolve().parent


def curriculum_root() -> Path:
    """Return the folder that holds `src/`, `milestones/` and `datasets/`."""
    for root in (PACKAGE / "_data", PACKAGE.parent):
        if (root / "src" / "curriculum.toml").is_file():
            return root
    raise TitoError(
        f"The curriculum is missing: no src/curriculum.toml in {PACKAGE / '_data'} "
        f"or {PACKAGE.parent}.",
        "Install TinyTorch again.",
    )


def is_checkout() -> bool:
    """True when `tito` runs from a source checkout rather than from an installed wheel."""
    return curriculum_root() == PACKAGE.parent
