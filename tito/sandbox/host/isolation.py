"""Which launcher is used."""

from __future__ import annotations

from typing import Literal

from tito.errors import TitoError
from tito.sandbox.host.bubblewrap import INSTALL, BubblewrapLauncher
from tito.sandbox.host.launcher import Launcher
from tito.sandbox.host.local import LocalLauncher

Isolation = Literal["auto", "local", "bubblewrap"]


def choose(isolation: Isolation = "local") -> Launcher:
    """The launcher for a wish; "auto" is bubblewrap where it works, else local (see its ``why``).

    Raises TitoError for "bubblewrap" where it does not work.
    """
    if isolation == "local":
        return LocalLauncher()
    strong = BubblewrapLauncher()
    reason = strong.unavailable()
    if not reason:
        return strong
    if isolation == "auto":
        return LocalLauncher(why=reason)
    raise TitoError(
        f"Isolation by bubblewrap was asked for, but {reason}.",
        f"Install it ({INSTALL}), or choose another: --isolation auto or --isolation local",
    )
