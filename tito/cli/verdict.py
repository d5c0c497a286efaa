"""Show the judge's report in few lines: what fails, what passes, and what is most pressing."""

from __future__ import annotations

from collections.abc import Sequence

from tito.cli.rendering import say, say_wrapped, show_panel, table
from tito.judge import ExerciseResult, Failure, Report
from tito.judge.report import Status
from tito.messages import Wording
from tito.report import failure_panel


def show_report(report: Report, wording: Wording) -> None:
    """Print the verdict on a module: a screen of 24 lines has room for it."""
    say(f"{report.module.label}: {report.file}")
    failed = _with("failed", report.results)
    if failed:
        table(
            ["Exercise", "Verdict", "#Points"],
            [(r.title, r.status, f"{r.points}/{r.max_points}") for r in failed],
        )
    for status in ("passed", "not started"):
        _say_names(status, _with(status, report.results))
    passed = len(_with("passed", report.results))
    say(f"{passed} of {len(report.results)} exercises passed, "
        f"{report.points} of {report.max_points} points.")  # fmt: skip
    for answer in report.answers:
        say(f"{answer.answer_id}: {answer.max_points} points, graded by a person.")
    _show_most_pressing(report, wording)


def _with(status: Status, results: Sequence[ExerciseResult]) -> list[ExerciseResult]:
    return [result for result in results if result.status == status]


def _say_names(status: Status, results: Sequence[ExerciseResult]) -> None:
    """Those that need no line of their own, together."""
    if results:
        names = ", ".join(result.title for result in results)
        say_wrapped(f"{len(results)} {status}: {names}")


def _show_most_pressing(report: Report, wording: Wording) -> None:
    """What keeps the file from working, else the first failing exercise, else the package."""
    if report.problem is not None:
        _show_failure("The file as a whole", report.problem, wording)
    elif report.first_failure is not None:
        _show_exercise(report.first_failure, report, wording)
    elif report.integration is not None:
        _show_failure("The module in your package", report.integration, wording)


def _show_exercise(result: ExerciseResult, report: Report, wording: Wording) -> None:
    more = f"tito module hint {report.module.id} {result.title.replace(' ', '_')}"
    if result.status == "not started" or result.failure is None:
        say(f"Next exercise: {result.title} ({result.exercise_id}). Stuck? {more}")
    else:
        _show_failure(f"{result.title}: {result.status}", result.failure, wording, more)


def _show_failure(title: str, failure: Failure, wording: Wording, more: str = "") -> None:
    show_panel(failure_panel(failure, wording, title, more))
