"""Where a failure stands in the learner's file: the cell, the line, the function around it."""

from __future__ import annotations

import ast
import re
from collections.abc import Collection, Iterator, Mapping
from typing import NamedTuple

from tito.literate.cells import Cell
from tito.literate.solutions import regions, stub
from tito.messages.stub import PATTERN as STUB

GUEST_PLACE = re.compile(r"<cell (\d{1,6})>:(\d{1,9})")
SCOPES = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)


class Function(NamedTuple):
    """A function of a cell: its name with the classes around it, its first and last line.

    ``result`` is the line that gives its result, if no other line can: else None.
    """

    name: str
    line: int
    last: int
    result: int | None


def where(cell: Cell, line: int | None = None) -> str:
    """The place as the learner finds it: editors understand file:line, notebooks name exercises."""
    if not cell.origin.endswith(".ipynb"):
        return cell.place(line or 1)
    number = f"cell {cell.index + 1}"
    name = f"exercise {cell.grade_id} ({number})" if cell.is_exercise else number
    return f"{cell.origin}, {name}" + (f", line {line}" if line else "")


def with_places(text: str, cells: Mapping[int, Cell]) -> str:
    """The text with each "<cell 3>:21" of the guest's as the learner finds that place."""

    def found(match: re.Match[str]) -> str:
        cell = cells.get(int(match[1]))
        return where(cell, int(match[2])) if cell else match[0]

    return GUEST_PLACE.sub(found, text)


def syntax_text(text: str, cell: Cell) -> str:
    """What Python says of a cell it cannot read, with the lines counted as `where` counts them."""
    before = 0 if cell.origin.endswith(".ipynb") else cell.line - 1
    return re.sub(r"\bline (\d+)", lambda found: f"line {int(found[1]) + before}", text)


def line_text(cell: Cell, line: int | None) -> str:
    """The text of one line of a cell, without its indent; empty if there is no such line."""
    lines = cell.lines
    return lines[line - 1].strip() if line and 0 < line <= len(lines) else ""


def exercise_function(cell: Cell, reference: Cell) -> Function | None:
    """The learner's function that the exercise is about; None if it is not there.

    That is the function in which the reference holds its solution region. Where several
    functions are to be written, nothing says which of them is wrong: None.
    """
    names = parts(reference)
    name = names[0] if len(names) == 1 else ""
    # Where a name is defined twice, Python keeps the last.
    same = [function for function in _functions(cell.source) if function.name == name]
    return same[-1] if same else None


def exercise_line(cell: Cell, reference: Cell) -> int | None:
    """The line of the learner's cell that begins the exercise's function; None if unknown."""
    function = exercise_function(cell, reference)
    return function.line if function else None


def result_line(cell: Cell, reference: Cell) -> int | None:
    """The line that a wrong result comes from, as far as the text alone tells it."""
    function = exercise_function(cell, reference)
    return function and (function.result or function.line)


def enclosing(source: str, line: int) -> str:
    """The name of the innermost function around a line, such as "Linear.forward"; or ""."""
    around = [f.name for f in _functions(source) if f.line <= line <= f.last]
    return around[-1] if around else ""


def part_line(cell: Cell, reference: Cell, names: Collection[str]) -> int | None:
    """The line of the one class or function of the cell that is among the names; None if unsure.

    If just one of its methods is to be written, that method's.
    """
    tops = [top for top in _tops(cell.source) if top.name in names]
    if len(tops) != 1:
        return None
    written = {name for name in parts(reference) if name.startswith(f"{tops[0].name}.")}
    methods = [f for f in _functions(cell.source) if f.name in written]
    return methods[0].line if len(methods) == 1 else tops[0].lineno


def _tops(source: str) -> list[ast.FunctionDef | ast.ClassDef]:
    tree = parsed(source)
    body = tree.body if tree else []
    return [node for node in body if isinstance(node, ast.FunctionDef | ast.ClassDef)]


def parts(reference: Cell) -> list[str]:
    """The functions of an exercise that are to be written, in order: "Linear.forward"."""
    names = (enclosing(reference.source, region.start + 1) for region in regions(reference))
    return list(dict.fromkeys(filter(None, names)))


def parts_left(cell: Cell) -> list[str]:
    """The functions of a learner's cell in which a stub still stands."""
    lines = enumerate(cell.source.splitlines(), 1)
    names = (enclosing(cell.source, number) for number, text in lines if STUB.search(text))
    return list(dict.fromkeys(filter(None, names)))


def stub_line(cell: Cell) -> int | None:
    """The first line that stands for code still to be written."""
    lines = enumerate(cell.source.splitlines(), 1)
    return next((number for number, text in lines if STUB.search(text)), None)


def is_untouched(cell: Cell, reference: Cell, label: str) -> bool:
    """Whether a cell's code is what the learner received; comments and docstrings do not count.

    Nor does what a stub says, which was another text in earlier releases.
    """
    received, now = (STUB.sub("", text) for text in (stub(reference, label), cell.source))
    return _lines(now) == _lines(received) or _code(now) == _code(received)


def _lines(source: str) -> list[str]:
    return [line.rstrip() for line in source.strip().splitlines()]


def _code(source: str) -> str:
    """The code without comments, docstrings and layout; the source itself if it is not Python."""
    tree = parsed(source)
    if tree is None:
        return source
    for node in ast.walk(tree):
        if isinstance(node, SCOPES) and ast.get_docstring(node, clean=False) is not None:
            del node.body[0]
    try:
        return ast.dump(tree)
    except RecursionError:
        return source


def parsed(source: str) -> ast.Module | None:
    """The syntax tree of a cell; None if it is not Python."""
    try:
        return ast.parse(source)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None


def _only_result(function: ast.FunctionDef | ast.AsyncFunctionDef) -> int | None:
    """The line of the one statement that gives a function's result; None if it is not one."""
    docstring = ast.get_docstring(function, clean=False) is not None
    body = function.body[1:] if docstring else function.body
    if len(body) == 1 and not hasattr(body[0], "body"):
        return body[0].lineno
    returns = [node for node in _own_nodes(function) if isinstance(node, ast.Return)]
    return body[-1].lineno if body and returns == body[-1:] else None


def _own_nodes(function: ast.AST) -> Iterator[ast.AST]:
    """The nodes of a function without those of functions inside it."""
    waiting = list(ast.iter_child_nodes(function))
    while waiting:  # no recursion: a long chain of elif is deeper than Python's stack
        node = waiting.pop()
        yield node
        if not isinstance(node, (*SCOPES, ast.Lambda)):
            waiting += ast.iter_child_nodes(node)


def _functions(source: str) -> list[Function]:
    """Every function of a cell, outer ones before inner ones."""
    found = []
    tree = parsed(source)
    waiting: list[tuple[ast.AST, str]] = [(tree, "")] if tree else []
    while waiting:
        node, prefix = waiting.pop()
        if isinstance(node, SCOPES):
            name = prefix + node.name
            prefix = f"{name}."
            if not isinstance(node, ast.ClassDef):
                last = node.end_lineno or node.lineno
                found.append(Function(name, node.lineno, last, _only_result(node)))
        children = [
            child for child in ast.iter_child_nodes(node) if not isinstance(child, ast.expr)
        ]
        waiting += [(child, prefix) for child in reversed(children)]
    return found
