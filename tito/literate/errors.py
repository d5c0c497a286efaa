"""What goes wrong in a literate file, with the place where it does."""

from __future__ import annotations

from tito.errors import TitoError


class SourceError(TitoError):
    """A fault in a literate file or notebook; `place` is "file:line" as editors understand it."""

    def __init__(self, place: str, message: str, fix: str = "") -> None:
        super().__init__(f"{place}: {message}", fix)
        self.place = place
