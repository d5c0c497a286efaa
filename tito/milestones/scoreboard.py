"""The scoreboard: what the milestone parts measured, beside their targets.

Targets stand in the manifest, never in the scripts. Verdicts are words; colour only repeats them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tito.curriculum.modules import Milestone, Part
from tito.curriculum.schema import Target

if TYPE_CHECKING:
    from rich.table import Table

Result = dict[str, Any]

COLUMNS = ("Part", "Metric", "Measured", "Target", "Verdict", "Time")
RIGHT_ALIGNED = {"Measured", "Time"}
NARROWEST = {"Part": 16, "Metric": 8, "Target": 12, "Verdict": 8}  # these columns may wrap
STYLES = {"met": "green", "not met": "red"}
NEGLIGIBLE = 1e-4  # a spread below this part of the mean is not worth a figure


@dataclass(frozen=True)
class Row:
    """One target of one part, with what was measured for it."""

    part: str  # "03.2 mlp"
    title: str
    metric: str
    measured: str
    target: str
    verdict: str
    time: str

    @property
    def cells(self) -> tuple[str, ...]:
        """The row's texts in the order of COLUMNS."""
        name = f"{self.part}\n{self.title}"
        return name, self.metric, self.measured, self.target, self.verdict, self.time

    @property
    def style(self) -> str:
        """The colour of the verdict; none for verdicts that are neither met nor missed."""
        return STYLES.get(self.verdict.partition(",")[0], "")


def rows(results: Iterable[Result], milestones: Sequence[Milestone]) -> list[Row]:
    """One row for each target of each result, in the order of the curriculum.

    Args:
        results: what `runner.run_part` returned, or the same read back from the progress file.
    """
    by_part = {(str(r.get("milestone")), r.get("part")): r for r in results}
    return [
        row
        for milestone in milestones
        for part in milestone.parts
        if (milestone.id, part.number) in by_part
        for row in _part_rows(milestone, part, by_part[milestone.id, part.number])
    ]


def render(results: Iterable[Result], milestones: Sequence[Milestone]) -> Table:
    """The rows as a rich table that fits 80 columns; what repeats the row above is left blank."""
    from rich import box
    from rich.table import Table
    from rich.text import Text

    table = Table(box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0))
    for name in COLUMNS:
        justify: Any = "right" if name in RIGHT_ALIGNED else "left"
        least = NARROWEST.get(name)
        table.add_column(name, justify=justify, no_wrap=least is None, min_width=least)
    for row, cells in _without_repeats(rows(results, milestones)):
        styles = [row.style if name == "Verdict" else "" for name in COLUMNS]
        table.add_row(*(Text(cell, style) for cell, style in zip(cells, styles, strict=True)))
    return table


def plain(results: Iterable[Result], milestones: Sequence[Milestone]) -> str:
    """The rows as text, one line each, for where rich is not wanted."""
    return "\n".join(
        f"{row.part}, {row.title} ({row.time}): {row.metric} {row.measured}, "
        f"target {row.target}: {row.verdict}"
        for row in rows(results, milestones)
    )


def _without_repeats(found: list[Row]) -> Iterator[tuple[Row, tuple[str, ...]]]:
    """Each row with its cells; part and time only where they change."""
    above = ""
    for row in found:
        repeated = row.part == above
        yield row, ("", *row.cells[1:-1], "") if repeated else row.cells
        above = row.part


def _part_rows(milestone: Milestone, part: Part, result: Result) -> list[Row]:
    name = f"{milestone.id}.{part.number} {milestone.name}"
    judged = [_judged(target, result) for target in part.targets] or [("", "", "none", "ran")]
    return [Row(name, part.title, *figures, _time(result.get("seconds"))) for figures in judged]


def _judged(target: Target, result: Result) -> tuple[str, str, str, str]:
    """Metric, measured, target, verdict."""
    name = target.metric.replace("_", " ")
    spread = result.get("metrics", {}).get(target.metric)
    if not isinstance(spread, dict) or not isinstance(spread.get("mean"), int | float):
        return name, "no number", target.text, "not met"
    verdict = "met" if target.met_by(spread["mean"]) else "not met"
    if not result.get("full", True):
        verdict += ", short run"
    return name, measured(target.unit, spread), target.text, verdict


def measured(unit: str, spread: Result) -> str:
    """Mean and spread in a target's unit: "0.693", "97.5 ± 0.2 %", or "9 of 10" successes."""
    values = spread.get("values", [])
    if unit == "successes" and values and set(values) <= {0.0, 1.0}:
        return f"{sum(values):.0f} of {len(values)}"
    mean, deviation = spread["mean"], spread.get("std") or 0.0
    figures = [mean] if deviation <= NEGLIGIBLE * abs(mean) else [mean, deviation]
    if unit != "number":
        return " ± ".join(f"{100 * figure:.1f}" for figure in figures) + " %"
    return " ± ".join(
        f"{figure:.{digits}g}" for figure, digits in zip(figures, (3, 2), strict=False)
    )


def _time(seconds: Any) -> str:
    if not isinstance(seconds, int | float):
        return ""
    return f"{seconds:.1f} s" if seconds < 100 else f"{seconds:.0f} s"
