"""Show the judge's report: a table of the exercises, and the first failure in detail."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tito.cli.rendering import panel, say, table

if TYPE_CHECKING:
    from tito.judge import ExerciseResult, Failure, Report


def show_report(report: Report) -> None:
    """Print the verdict on a module."""
    say(f"{report.module.label}: {report.file}")
    table(
        ["Exercise", "Verdict", "#Points"],
        [(r.title, r.status, f"{r.points}/{r.max_points}") for r in report.results],
    )
    passed = sum(result.status == "passed" for result in report.results)
    say(f"{passed} of {len(report.results)} exercises passed, "
        f"{report.points} of {report.max_points} points.")  # fmt: skip
    if report.problem is not None:
        show_failure("The file as a whole", report.problem)
    elif report.first_failure is not None:
        _show_exercise(report.first_failure, report)


def _show_exercise(result: ExerciseResult, report: Report) -> None:
    more = f"tito module hint {report.module.id} {result.exercise_id}"
    if result.status == "not started" or result.failure is None:
        say(f"Next exercise: {result.title} ({result.exercise_id}). Stuck? {more}")
    else:
        show_failure(f"{result.title}: {result.status}", result.failure, more)


def show_failure(title: str, failure: Failure, more: str = "") -> None:
    """Print one failure: input, expected, got, why, the learner's own line, and where help is."""
    own_line = f"\n{failure.line_text.strip()}" if failure.line_text else ""
    rows = [
        ("INPUT", failure.given),
        ("EXPECTED", failure.expected),
        ("GOT", failure.got),
        ("WHY", failure.because),
        (_place_label(failure), failure.where + own_line),
        ("TO DO", failure.fix),
        ("HINT", failure.hint or (f"ask for one: {more}" if more else "")),
    ]
    panel(title, failure.reason, [row for row in rows if row[1]])


def _place_label(failure: Failure) -> str:
    """A wrong value has no line of its own, only the function it came from."""
    if not failure.line_text:
        return "WHERE"
    return "YOUR CODE" if failure.kind == "check" else "YOUR LINE"
