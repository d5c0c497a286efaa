"""The one exception of `tito` that a person is meant to read."""

from __future__ import annotations


class TitoError(Exception):
    """A failure we foresaw: what happened, and what to do about it.

    Args:
        message: what was expected and what came, in one or two sentences.
        fix: what the reader can do now; may be empty.
        exit_code: the process exit status the command line ends with.
    """

    def __init__(self, message: str, fix: str = "", exit_code: int = 1) -> None:
        super().__init__(message)
        self.message = message
        self.fix = fix
        self.exit_code = exit_code

    def __str__(self) -> str:
        return f"{self.message}\n{self.fix}" if self.fix else self.message
