"""From an exception in a notebook's test cell to what the learner is told."""

from __future__ import annotations

import ast
import linecache
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from types import CodeType, FrameType, FunctionType, TracebackType
from typing import Any

from tito.checks.check import is_stub_error
from tito.checks.failed import CheckFailed, Text
from tito.checks.patterns import error_pattern
from tito.checks.values import sentence, shorten
from tito.messages import Message
from tito.messages.stub import PATTERN

TEST = "test_"
MESSAGE_SHOWN = 600  # characters


@dataclass(frozen=True)
class Diagnosis:
    """What is known of a failure: the fields that ``tito.report`` shows, and the exercise's id."""

    exercise: str
    reason: Message
    kind: str
    given: str = ""
    before: str = ""
    after: str = ""
    expected: Text = ""
    got: Text = ""
    because: str = ""
    printed: str = ""
    where: Text = ""
    line_text: str = ""
    fix: Text = ""
    hint: Message | None = None


@dataclass(frozen=True)
class Step:
    """A frame that an error passed through, and the line it stood at."""

    frame: FrameType
    line: int
    instruction: int

    @property
    def code(self) -> CodeType:
        """The frame's code."""
        return self.frame.f_code


def diagnose(error: BaseException, title: Callable[[str], str] = str) -> Diagnosis:
    """What went wrong in a test cell, with the learner's own line where there is one.

    ``title``: an exercise's name to be shown, from its id.
    """
    steps = list(_cell_steps(error.__traceback__))
    tests = [step for step in steps if step.code.co_name.startswith(TEST)]
    exercise = tests[-1].code.co_name.removeprefix(TEST) if tests else ""
    if isinstance(error, CheckFailed):
        return _of_check(error, exercise, tests)
    own = _innermost(steps, {step.code.co_filename for step in (*steps[:1], *tests)})
    if is_stub_error(error):
        return _of_stub(error, exercise, own, title)
    if isinstance(error, KeyboardInterrupt):
        return Diagnosis(exercise, _stopped(title(exercise)), "error", **_place(own))
    if isinstance(error, NameError) and own is None:
        return _of_name(error, exercise)
    return _of_error(error, exercise, own, tests)


def _cell_steps(trace: TracebackType | None) -> Iterator[Step]:
    """The frames of notebook cells, outermost first."""
    while trace:
        if trace.tb_frame.f_globals.get("__name__") == "__main__":
            yield Step(trace.tb_frame, trace.tb_lineno, trace.tb_lasti)
        trace = trace.tb_next


def _innermost(steps: list[Step], test_files: set[str]) -> Step | None:
    return next((s for s in reversed(steps) if s.code.co_filename not in test_files), None)


def _of_check(error: CheckFailed, exercise: str, tests: list[Step]) -> Diagnosis:
    code = _exercise_code(exercise, tests[-1].frame) if tests else None
    line = _telling_line(code) if code else 0
    return Diagnosis(
        exercise,
        error.reason,
        "check",
        given=error.given,
        before=error.before,
        after=error.after,
        expected=error.expected,
        got=error.got,
        because=error.because,
        printed=error.printed,
        where=_where(code, line) if code else "",
        line_text=_line(code, line) if code else "",
        hint=error.hint,
    )


def _stopped(name: str) -> Message:
    return Message("notebook.stopped_while", exercise=name) if name else Message("notebook.stopped")


def _of_stub(
    error: BaseException, exercise: str, own: Step | None, title: Callable[[str], str]
) -> Diagnosis:
    match = PATTERN.match(str(error))
    name = match[1] if match else exercise
    if exercise and name != exercise:
        return Diagnosis(exercise, Message("judge.needs_exercise", exercise=title(name)), "stub")
    reason, fix = Message("judge.not_solved"), Message("judge.write_here")
    return Diagnosis(exercise, reason, "stub", fix=fix, **_place(own))


def _of_name(error: NameError, exercise: str) -> Diagnosis:
    name = error.name or ""
    reason = Message("notebook.undefined", name=name)
    return Diagnosis(exercise, reason, "error", fix=Message("notebook.run_cell", name=name))


def _of_error(
    error: BaseException, exercise: str, own: Step | None, tests: list[Step]
) -> Diagnosis:
    name, message = type(error).__name__, str(error)
    shown = shorten(f"{name}: {message}" if message else name, MESSAGE_SHOWN)
    place = _place(own)
    return Diagnosis(
        exercise,
        Message("judge.raised" if own else "judge.unusable", error=sentence(shown)),
        "error",
        given=_expression(tests[-1]) if tests else "",
        got=shown,
        hint=error_pattern(name, message, str(place.get("line_text", ""))),
        **place,
    )


def _place(step: Step | None) -> dict[str, Any]:
    if step is None:
        return {}
    return {"where": _where(step.code, step.line), "line_text": _line(step.code, step.line)}


def _where(code: CodeType, line: int) -> Message:
    if code.co_name.startswith("<"):
        return Message("notebook.line", line=line)
    return Message("notebook.line_of", line=line, name=code.co_name)


def _line(code: CodeType, line: int) -> str:
    return linecache.getline(code.co_filename, line).strip()


def _expression(step: Step) -> str:
    """The expression that a frame of a test stands at, in one line."""
    first, last, start, stop = next(islice(step.code.co_positions(), step.instruction // 2, None))
    if first is None or last is None or start is None or stop is None:
        return ""
    name = step.code.co_filename
    lines = [linecache.getline(name, number).encode() for number in range(first, last + 1)]
    lines[-1] = lines[-1][:stop]
    lines[0] = lines[0][start:]
    return shorten(b" ".join(lines).decode("utf-8", "replace"))


def _exercise_code(exercise: str, frame: FrameType) -> CodeType | None:
    """The learner's function that a test is about: the one it is named after, or the only one."""
    names = set(_names(frame.f_code))
    own = {name: code for name, code in _functions(frame.f_globals) if name in names}
    others = {n: c for n, c in own.items() if c.co_filename != frame.f_code.co_filename}
    named = [code for name, code in others.items() if f"_{exercise}".endswith(f"_{name}")]
    candidates = named or list(others.values())
    return candidates[0] if len(candidates) == 1 else None


def _telling_line(code: CodeType) -> int:
    """Where a wrong result comes from: the only `return`; with several or none, the first line."""
    first = code.co_firstlineno
    try:
        tree = ast.parse("".join(linecache.getlines(code.co_filename)))
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return first  # a magic in the cell
    lines = [r.lineno for node in ast.walk(tree) if _is_of(node, code) for r in _returns(node)]
    return lines[0] if len(lines) == 1 else first


def _is_of(node: ast.AST, code: CodeType) -> bool:
    """Whether a piece of source is this function, whose first line may be a decorator's."""
    if not isinstance(node, ast.FunctionDef) or node.name != code.co_name:
        return False
    return code.co_firstlineno in (node.lineno, *(line.lineno for line in node.decorator_list))


def _returns(node: ast.AST) -> Iterator[ast.Return]:
    """The `return` statements of a function, without those of functions inside it."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.Return):
            yield child
        elif not isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            yield from _returns(child)


def _names(code: CodeType) -> Iterator[str]:
    """The names that a function uses, its lambdas included."""
    yield from code.co_names
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from _names(constant)


def _functions(space: Mapping[str, Any]) -> Iterator[tuple[str, CodeType]]:
    """The functions that the notebook's cells define."""
    for name, value in list(space.items()):
        if type(value) is FunctionType and value.__module__ == "__main__":
            yield name, value.__code__
