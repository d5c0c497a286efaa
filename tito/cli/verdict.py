"""Show the judge's report in few lines: what fails, what passes, and what is most pressing."""

from __future__ import annotations

from collections.abc import Sequence

from tito.cli.common import curriculum
from tito.cli.rendering import counted, say, say_wrapped, show_panel, table
from tito.errors import TitoError
from tito.judge import ExerciseResult, Failure, Report
from tito.judge.report import Status
from tito.messages import Message, Wording
from tito.report import failure_panel


def show_report(report: Report, wording: Wording) -> None:
    """Print the verdict on a module: a screen of 24 lines has room for it."""
    say(f"{report.module.label}: {report.file}")
    failed = [result for result in _with("failed", report.results) if not result.waits_for]
    if failed:
        table(
            ["Exercise", "Verdict", "#Points"],
            [(r.title, r.status, f"{r.points}/{r.max_points}") for r in failed],
        )
    _say_waiting(report)
    for status in ("passed", "not started"):
        _say_names(status, _with(status, report.results), wording)
    passed = len(_with("passed", report.results))
    say(f"{passed} of {len(report.results)} exercises passed, "
        f"{report.points} of {report.max_points} points.")  # fmt: skip
    for answer in report.answers:
        say(f"{answer.answer_id}: {counted(answer.max_points, 'point')}, graded by a person.")
    _show_most_pressing(report, wording)


def _with(status: Status, results: Sequence[ExerciseResult]) -> list[ExerciseResult]:
    return [result for result in results if result.status == status]


def _say_waiting(report: Report) -> None:
    """Those that fail only because another exercise is not solved yet, by that exercise."""
    waiting: dict[str, list[str]] = {}
    for result in report.results:
        if result.waits_for:
            waiting.setdefault(result.waits_for, []).append(result.title)
    for wanted, names in waiting.items():
        verb = "waits" if len(names) == 1 else "wait"
        say_wrapped(f"{len(names)} {verb} for {_short(wanted, report)}: {', '.join(names)}")


def _short(exercise_id: str, report: Report) -> str:
    return exercise_id.removeprefix(f"{report.module.word}_")


def _say_names(status: Status, results: Sequence[ExerciseResult], wording: Wording) -> None:
    """Those that need no line of their own, together."""
    if results:
        say_wrapped(f"{len(results)} {status}: {', '.join(result.title for result in results)}")
    for result in filter(_is_unchanged_hunt, results):
        say_wrapped(f"  {result.title} ({wording.say(Message('report.hunt_unchanged'))})")


def _is_unchanged_hunt(result: ExerciseResult) -> bool:
    """A bug hunt is code already: how it can be not started has to be said."""
    return result.failure is not None and result.failure.reason.code == "judge.hunt_unchanged"


def _show_most_pressing(report: Report, wording: Wording) -> None:
    """What keeps the file from working, else the first failing exercise, else the package."""
    if report.problem is not None:
        _show_failure("The file as a whole", report.problem, wording)
    elif report.first_failure is not None:
        _show_exercise(report.first_failure, report, wording)
    elif report.integration is not None:
        _show_failure("The module in your package", report.integration, wording)


def _show_exercise(result: ExerciseResult, report: Report, wording: Wording) -> None:
    more = _more(result, report)
    if result.status == "not started" or result.failure is None:
        stuck = f" Stuck? {more}" if more else ""
        say_wrapped(f"Next exercise: {result.title} ({result.exercise_id}).{stuck}")
        return
    wanted = result.waits_for
    status = f"waits for {_short(wanted, report)}" if wanted else result.status
    _show_failure(f"{result.title}: {status}", result.failure, wording, "" if wanted else more)


def _more(result: ExerciseResult, report: Report) -> str:
    """The command that gives a hint; "" where there is none to give."""
    from tito.workspace.hints import hints_of

    (exercise,) = (e for e in curriculum().exercises(report.module) if e.id == result.exercise_id)
    try:
        has_hints = bool(hints_of(curriculum(), exercise))
    except (TitoError, OSError):
        return ""  # no guidance, or a faulty one: the author's proof reports that
    return f"tito module hint {report.module.id} {result.title}" if has_hints else ""


def _show_failure(title: str, failure: Failure, wording: Wording, more: str = "") -> None:
    show_panel(failure_panel(failure, wording, title, more))
