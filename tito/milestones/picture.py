"""Open a picture where somebody sits before a screen."""

from __future__ import annotations

import os
import sys
import webbrowser
from pathlib import Path


def open_picture(path: Path) -> bool:
    """Show the picture in the program that the system has for it; False where nobody could see."""
    return has_display() and webbrowser.open(path.resolve().as_uri())


def has_display() -> bool:
    """True for a terminal on a computer with a screen; never in automatic runs or through SSH."""
    if not sys.stdout.isatty() or {"CI", "SSH_CONNECTION"} & os.environ.keys():
        return False
    return sys.platform in ("win32", "darwin") or bool(
        {"DISPLAY", "WAYLAND_DISPLAY"} & os.environ.keys()
    )
