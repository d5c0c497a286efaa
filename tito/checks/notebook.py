"""In a notebook: a panel in place of a traceback, and one line for a pass.

Active only inside IPython, and only for cells that call a ``test_…`` function they define: what a
learner tries out in other cells keeps Python's own tracebacks.
"""

from __future__ import annotations

import ast
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import cache, partial
from types import TracebackType
from typing import TYPE_CHECKING, Any, NamedTuple

from tito.checks.check import check
from tito.checks.failed import CheckFailed
from tito.checks.unrun import Unrun, UnrunCells, names_used
from tito.messages import Message, english

if TYPE_CHECKING:
    from tito.report import Panel

TEST = "test_"
KEPT = 4000  # characters of what was printed
POINTS = "tito.notebook"  # the group of entry points in which a curriculum tells its points


class Standing(NamedTuple):
    """What the pass line says of an exercise; ``total`` is the number of its module's exercises.

    ``module`` is that module as one types it: "01".
    """

    title: str
    points: int
    total: int
    module: str


PointsOf = Callable[[str], tuple[str, int, int, str] | None]  # a Standing's fields


@cache
def declared_points() -> PointsOf:
    """``points_of(exercise_id)`` as an installed curriculum declares it; without one, no points."""
    from importlib.metadata import entry_points

    found = list(entry_points(group=POINTS, name="points_of"))
    declared: PointsOf = found[0].load() if found else lambda exercise_id: None
    return declared


class Recorder:
    """Standard output that goes on as before, its last characters kept."""

    def __init__(self, stream: Any) -> None:
        self.stream = stream
        self.kept = ""

    def write(self, text: str) -> Any:
        """Write, and keep."""
        self.kept = (self.kept + text)[-KEPT:]
        return self.stream.write(text)

    def text(self) -> str:
        """What was written."""
        return self.kept

    def __getattr__(self, name: str) -> Any:
        return getattr(self.stream, name)


class TestCells:
    """Looks at each cell that is run; acts on those that hold a test."""

    __test__ = False  # not a test of pytest's

    def __init__(self, shell: Any, points_of: PointsOf | None = None) -> None:
        self.shell = shell
        self.points_of = points_of
        self.passed: set[str] = set()
        self.running: tuple[str, ...] = ()
        self.cell: tuple[str | None, str] = (None, "")  # id and source
        self.unrun = UnrunCells()
        self.leave: Callable[[], None] = lambda: None

    def register(self) -> None:
        """Ask IPython to tell of every cell."""
        self.shell.events.register("pre_run_cell", self.before)
        self.shell.events.register("post_run_cell", self.after)

    def before(self, info: Any) -> None:
        """A cell is about to run."""
        self.cell = getattr(info, "cell_id", None), info.raw_cell
        self.running = tuple(exercises_tested(info.raw_cell))
        if self.running:
            self.leave = self._enter()

    def _enter(self) -> Callable[[], None]:
        """Keep what is printed and take over errors; the function that undoes both."""
        shell, stream, printed = self.shell, sys.stdout, check.printed
        handler = shell.custom_exceptions, shell.CustomTB
        recorder = Recorder(stream)
        sys.stdout, check.printed = recorder, recorder.text
        check.position = -1
        shell.set_custom_exc((Exception, KeyboardInterrupt), show_error)

        def leave() -> None:
            if sys.stdout is recorder:
                sys.stdout = stream
            check.printed = printed
            shell.custom_exceptions, shell.CustomTB = handler

        return leave

    def after(self, result: Any) -> None:
        """A cell has run."""
        self.leave()
        self.leave = lambda: None
        if not self.running:
            self.unrun.keep(*self.cell, result)
        for name in self.running:
            self._conclude(name, result.success)
        self.running = ()

    def _conclude(self, name: str, success: bool) -> None:
        self.passed.discard(name)
        if success and (unrun := self.stale()):
            _display(_unrun_panel(self.title(name), unrun))
        elif success:
            self.passed.add(name)
            print(english().say(self._pass(name)))

    def stale(self) -> Unrun | None:
        """A failed cell that the running test depends on: it would check what ran before that."""
        return self.unrun.among([*self.running, *names_used(self.cell[1])])

    def standing(self, name: str) -> Standing | None:
        """What the curriculum tells of an exercise; None if it is not one of its own."""
        found = (self.points_of or declared_points())(name)
        return Standing(*found) if found else None

    def title(self, name: str) -> str:
        """An exercise's name as one types it."""
        standing = self.standing(name)
        return standing.title if standing else name

    def _pass(self, name: str) -> Message:
        standing = self.standing(name)
        if standing is None:
            return self._pass_of_module() or Message("notebook.passed", title=name)
        return Message("notebook.passed_points", done=len(self.passed), **standing._asdict())

    def _pass_of_module(self) -> Message | None:
        """What a test that calls those of a module's exercises says; None for any other."""
        tests = (name for name in names_used(self.cell[1]) if name.startswith(TEST))
        known = filter(None, (self.standing(name.removeprefix(TEST)) for name in tests))
        return next((Message("notebook.passed_all", module=one.module) for one in known), None)


def exercises_tested(source: str) -> Iterator[str]:
    """The exercises whose tests a cell defines and calls: "relu" for test_relu()."""
    try:
        body = ast.parse(source).body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return  # a magic, or not Python: no test cell
    defined = {node.name for node in body if isinstance(node, ast.FunctionDef)}
    for node in body:
        match node:
            case ast.Expr(value=ast.Call(func=ast.Name(id=name))) if name in defined:
                if name.startswith(TEST):
                    yield name.removeprefix(TEST)


def show_error(
    shell: Any,
    kind: type[BaseException],
    error: BaseException,
    trace: TracebackType,
    tb_offset: int | None = None,
) -> None:
    """IPython's handler of errors while a test cell runs: the panel in place of the traceback."""
    if not isinstance(error, CheckFailed):
        error._render_traceback_ = partial(shown_lines, error)  # type: ignore[attr-defined]
    shell.showtraceback((kind, error, trace), tb_offset=tb_offset)


def shown_lines(error: BaseException) -> list[str]:
    """The lines IPython prints for an error; where HTML can be shown, only its title.

    IPython asks more than once for the same error: it is shown once.
    """
    if not hasattr(error, "tito_lines"):
        error.tito_lines = _show(error)  # type: ignore[attr-defined]
    lines: list[str] = error.tito_lines  # type: ignore[attr-defined]
    return lines


def _show(error: BaseException) -> list[str]:
    from IPython import get_ipython

    return _display(_panel(error, get_ipython().tito_test_cells))


def _display(panel: Panel) -> list[str]:
    """Show a panel; the lines that are left to be printed where HTML cannot be shown."""
    from IPython import get_ipython
    from IPython.display import display

    from tito.report import as_html, as_text

    if not hasattr(get_ipython(), "kernel"):
        return as_text(panel).splitlines()
    bundle = {"text/html": as_html(panel), "text/plain": as_text(panel)}
    display(bundle, raw=True)  # type: ignore[no-untyped-call]
    return [panel.title or panel.lead]


def _panel(error: BaseException, cells: TestCells) -> Panel:
    from tito.checks.diagnosis import diagnose
    from tito.report import failure_panel

    found = diagnose(error, cells.title)
    title = cells.title(found.exercise)
    if found.exercise and (unrun := cells.stale()):
        return _unrun_panel(title, unrun)
    sign = "unsolved" if found.kind == "stub" else "failed"
    heading = Message(f"notebook.title_{sign}", title=title) if title else ""
    more = cells.standing(found.exercise) and not (found.hint or found.fix)
    shown = replace(found, hint=Message("notebook.ask", exercise=title)) if more else found
    return failure_panel(shown, english(), english().say(heading))


def _unrun_panel(title: str, unrun: Unrun) -> Panel:
    """In place of a verdict on code that is not what stands in the cell."""
    from tito.checks.diagnosis import Diagnosis
    from tito.report import failure_panel

    found = Diagnosis(
        title,
        Message("notebook.did_not_run", **unrun._asdict()),
        "error",
        fix=Message("notebook.mend_cell"),
    )
    heading = Message("notebook.title_failed", title=title)
    return failure_panel(found, english(), english().say(heading))


def watch() -> None:
    """Look at the cells of the IPython that runs this, if there is one; once."""
    from IPython import get_ipython

    shell = get_ipython()
    if shell is not None and not hasattr(shell, "tito_test_cells"):
        shell.tito_test_cells = TestCells(shell)
        shell.tito_test_cells.register()
        CheckFailed._render_traceback_ = shown_lines  # type: ignore[attr-defined]
