"""Cells whose last run ended with an error: what they define is missing, or of an earlier run."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable
from typing import Any, NamedTuple

from tito.checks.values import shorten

DEFINED = re.compile(r"^(?:def|class) +(\w+)", re.MULTILINE)


class Unrun(NamedTuple):
    """A cell that did not run to its end: what it defines first, and the error in one line."""

    name: str
    error: str


class UnrunCells:
    """Remembers them under their cell's id (an exercise's, in JupyterLab) and what they define."""

    def __init__(self) -> None:
        self._failed: dict[str, Unrun] = {}

    def keep(self, cell_id: str | None, source: str, result: Any) -> None:
        """A cell has run; ``result`` is IPython's."""
        error = result.error_before_exec or result.error_in_exec
        names = DEFINED.findall(source)
        for key in {cell_id or names[0], *names} if names else ():
            self._failed.pop(key, None)
            if error is not None:
                self._failed[key] = Unrun(key if key in names else names[0], _said(error))

    def among(self, names: Iterable[str]) -> Unrun | None:
        """The cell that stands behind the first of these names that has one."""
        return next((self._failed[name] for name in names if name in self._failed), None)


def names_used(source: str) -> list[str]:
    """The names that a cell mentions, sorted; none if it is not Python."""
    try:
        tree = ast.parse(source)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return []
    return sorted({node.id for node in ast.walk(tree) if isinstance(node, ast.Name)})


def _said(error: BaseException) -> str:
    kind = type(error).__name__
    if isinstance(error, SyntaxError):
        return f"{kind}: {error.msg} (line {error.lineno})"
    return shorten(f"{kind}: {error}" if str(error) else kind).rstrip(".")
