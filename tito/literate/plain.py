"""Notebook cells as plain Python: `%matplotlib inline`, `!pip …` and the like, told apart.

A notebook understands lines that Python does not. Those that only set up the notebook mean
nothing in a file and become comments, so that line numbers stay. The others do something that
a file could not do: they are refused, with their place.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Iterator

from tito.literate.errors import SourceError
from tito.literate.strings import statement_end
from tito.literate.syntax import parsed

SETUP = {"matplotlib", "load_ext", "reload_ext", "autoreload", "config", "pip", "conda"}
SETUP_OF_CELL = {"time", "capture"}  # the rest of the cell is ordinary code

# No Python statement begins or ends like this.
NOTEBOOK_LINE = re.compile(
    r"[ \t]*+(?:%%(?P<cell>\w+)|%(?P<line>\w+)|(?P<shell>!)|\?"
    r"|[\w.*]++\?\??[ \t]*$|[\w.,\[\] ]++=[ \t]*[!%][ \t]*\w)",
    re.MULTILINE,
)
ADVICE = (
    "Move it to a cell of its own, without '#| export', or write the same in plain Python: "
    "what you export is a Python file."
)
UNREADABLE = (SyntaxError, ValueError, RecursionError, MemoryError, OverflowError)


def plain_python(source: str, place: Callable[[int], str]) -> str:
    """The source as plain Python with the same line numbers.

    Args:
        source: the text of a code cell.
        place: gives the place of a 1-based line, for the error.

    Raises SourceError for a notebook line that does not belong into a file. Other faults of
    syntax stay in the text.
    """
    tree = _parsed(source)
    if tree is None:
        return _without_notebook_lines(source, place)
    if "await" in source or "async" in source:
        for line in _top_level_awaits(tree):
            raise _refused(source.split("\n")[line - 1], place(line))
    return source


def _parsed(source: str) -> ast.Module | None:
    try:
        return parsed(source)
    except UNREADABLE:
        return None


def _without_notebook_lines(source: str, place: Callable[[int], str]) -> str:
    kept = []
    start, number = 0, 1
    while start < len(source):
        match = NOTEBOOK_LINE.match(source, start)
        end = _shell_end(source, start) if match else statement_end(source, start)
        text = source[start:end]
        if match:
            if not _only_sets_up(match):
                raise _refused(text, place(number))
            text = _commented(text)
        kept.append(text)
        start, number = end, number + text.count("\n")
    return "".join(kept)


def _shell_end(source: str, start: int) -> int:
    r"""The position behind a notebook line, which only "\" at its end continues."""
    end = start - 1
    while end < start or source[end - 1] == "\\":
        end = source.find("\n", end + 1)
        if end < 0:
            return len(source)
    return end + 1


def _only_sets_up(match: re.Match[str]) -> bool:
    return bool(match["shell"]) or match["line"] in SETUP or match["cell"] in SETUP_OF_CELL


def _commented(text: str) -> str:
    """The lines as comments; an indented one stays a statement, which its block may need."""
    bare = text.lstrip(" \t")
    indent = text[: len(text) - len(bare)]
    kept = re.sub(r"\n(?=.)", "\n# ", bare)
    return f"{indent}pass  # {kept}" if indent else f"# {kept}"


def _refused(line: str, place: str) -> SourceError:
    return SourceError(
        place,
        f"{line.strip()!r} works in a notebook cell, but does not belong into exported code.",
        ADVICE,
    )


def _top_level_awaits(tree: ast.Module) -> Iterator[int]:
    """The lines that wait for something outside of any function, as only a notebook can."""
    waiting: list[ast.AST] = list(reversed(tree.body))
    while waiting:
        node = waiting.pop()
        if isinstance(node, ast.Await | ast.AsyncFor | ast.AsyncWith):
            yield node.lineno
        if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            waiting.extend(reversed(list(ast.iter_child_nodes(node))))
