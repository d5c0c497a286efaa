"""What a test was asking of the learner's code when that raised.

Every check says in ``given`` what it tries and in ``because`` why. When the learner's code raises
before the check is made, both still stand in the text of the test: they are evaluated here, in the
frame in which the test stopped. That text is the curriculum's own, and trusted.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import islice
from types import FrameType, TracebackType
from typing import Any

from tito.checks.check import shown_given
from tito.sandbox.conversation import GuestLost

LONGEST = 600  # characters of an expression that is shown when nothing better is known
SCOPES = (ast.Module, ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
Place = tuple[int | None, int | None, int | None, int | None]  # lines, then columns in bytes


@dataclass(frozen=True)
class Step:
    """A frame of a test cell through which the error passed."""

    frame: FrameType
    text: str
    line: int
    place: Place

    @property
    def tree(self) -> ast.Module:
        """The test cell's syntax tree."""
        return _parsed(self.text)

    @property
    def is_part(self) -> bool:
        """Whether the frame is a lambda or a comprehension: a part of some statement."""
        name = self.frame.f_code.co_name
        return name.startswith("<") and name != "<module>"


def failing_check(error: BaseException, texts: Mapping[str, str]) -> tuple[str, str]:
    """(given, because) of what ran when the error was raised; ("", "") if that is unknown.

    ``texts``: file name of each test cell -> its source. In a check, it is what the check says;
    elsewhere what the next check says, as far as that can be known without the value that is
    missing; else the expression itself.
    """
    steps = list(_steps(error.__traceback__, texts))
    inside = [(step, call) for step in steps if (call := _check_around(step))]
    for step, call in inside:  # outermost first: a lambda inside a check sees fewer names
        given = _evaluated(call, "given", step, [call])
        if given:
            return given, _evaluated(call, "because", step, [call])
    given = "" if inside else _given_next(steps)
    return given or (_expression(steps[-1]) if steps else ""), ""


def names_asked(error: BaseException, texts: Mapping[str, str]) -> set[str]:
    """The names in the statement of the test that failed, and behind its variables and helpers."""
    steps = list(_steps(error.__traceback__, texts))
    blocks = list(_blocks(steps[-1])) if steps else []
    if not blocks:
        return set()
    _, block, index = blocks[-1]
    behind = dict(_definitions(steps[-1].tree))
    found: set[str] = set()
    waiting = _names_in(block[index])
    while waiting:
        found |= waiting
        waiting = set().union(*(behind.get(name, set()) for name in waiting)) - found
    return found


def _definitions(tree: ast.AST) -> Iterator[tuple[str, set[str]]]:
    """(name, the names that its value or body uses) for the variables and helpers of a test."""
    for node in ast.walk(tree):
        match node:
            case ast.Assign(value=value):
                yield from ((name, _names_in(value)) for name in _bound(node))
            case ast.FunctionDef(name=name):
                yield name, _names_in(node)


def _names_in(node: ast.AST) -> set[str]:
    return {inner.id for inner in ast.walk(node) if isinstance(inner, ast.Name)}


def _steps(trace: TracebackType | None, texts: Mapping[str, str]) -> Iterator[Step]:
    """The frames of test cells, outermost first."""
    while trace:
        code = trace.tb_frame.f_code
        if code.co_filename in texts:
            place = next(islice(code.co_positions(), trace.tb_lasti // 2, None))
            yield Step(trace.tb_frame, texts[code.co_filename], trace.tb_lineno, place)
        trace = trace.tb_next


@lru_cache(maxsize=64)
def _parsed(text: str) -> ast.Module:
    return ast.parse(text)


def _is_check(node: ast.AST) -> bool:
    match node:
        case ast.Call(func=ast.Attribute(value=ast.Name(id="check"))):
            return True
    return False


def _check_around(step: Step) -> ast.Call | None:
    """The call of ``check`` in which the frame stands."""
    calls = (node for node in ast.walk(step.tree) if isinstance(node, ast.Call))
    return next((call for call in calls if _is_check(call) and _holds(call, step.line)), None)


def _holds(node: ast.expr | ast.stmt, line: int) -> bool:
    decorators = getattr(node, "decorator_list", [])
    first: int = min([node.lineno, *(decorator.lineno for decorator in decorators)])
    return first <= line <= (node.end_lineno or node.lineno)


def _given_next(steps: Sequence[Step]) -> str:
    """What the next check after the innermost statement says; "" if it cannot be known."""
    for step in reversed(steps):
        rest = [] if step.is_part else _up_to_check(step)
        if rest:
            check = rest[-1]
            assert isinstance(check, ast.Expr) and isinstance(check.value, ast.Call)
            return _evaluated(check.value, "given", step, rest)
    return ""


def _up_to_check(step: Step) -> list[ast.stmt]:
    """The statements from where the frame stands to the next check: in its block, or around it."""
    for node, block, index in reversed(list(_blocks(step))):
        for number, statement in enumerate(block[index + 1 :], index + 1):
            if isinstance(statement, ast.Expr) and _is_check(statement.value):
                return block[index : number + 1]
        if isinstance(node, SCOPES):
            break
    return []


def _blocks(step: Step) -> Iterator[tuple[ast.AST, list[ast.stmt], int]]:
    """(owner, statements, number of the one the frame stands in), outermost first."""
    for node in ast.walk(step.tree):
        for field in ("body", "orelse", "finalbody"):
            block = getattr(node, field, None)
            for index, statement in enumerate(block if isinstance(block, list) else ()):
                if _holds(statement, step.line):
                    yield node, block, index  # type: ignore[misc]


def _evaluated(call: ast.Call, keyword: str, step: Step, skipped: Iterable[ast.AST]) -> str:
    """A keyword of a check, evaluated in the frame; "" if it is not there or cannot be.

    ``skipped`` has not run to its end: a name it binds has no value yet, or that of the last round.
    """
    value = next((entry.value for entry in call.keywords if entry.arg == keyword), None)
    if value is None:
        return ""
    space: dict[str, Any] = {**step.frame.f_globals, **step.frame.f_locals}
    for name in {name for node in skipped for name in _bound(node)}:
        space.pop(name, None)
    try:
        return shown_given(eval(compile(ast.Expression(value), "<given>", "eval"), space))
    except (Exception, GuestLost):
        return ""


def _bound(statement: ast.AST) -> Iterator[str]:
    """The names that a statement binds, whatever the scope."""
    for node in ast.walk(statement):
        match node:
            case ast.Name(id=name, ctx=ast.Store()):
                yield name
            case ast.FunctionDef(name=name) | ast.ClassDef(name=name):
                yield name


def _expression(step: Step) -> str:
    """The expression that a frame stands at, in one line; "" if unknown or very long."""
    first, last, start, stop = step.place
    if first is None or last is None or start is None or stop is None:
        return ""
    lines = [line.encode() for line in step.text.splitlines()[first - 1 : last]]
    lines[-1:] = [line[:stop] for line in lines[-1:]]
    lines[:1] = [line[start:] for line in lines[:1]]
    shown = " ".join(b" ".join(lines).decode("utf-8", "replace").split())
    return shown if len(shown) <= LONGEST else ""
