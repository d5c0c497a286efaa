"""What a milestone has to tell: its history, and what a run measured beside its targets."""

from __future__ import annotations

import re

from tito.curriculum.modules import Part
from tito.milestones.runner import Result

BEFORE = "_before"  # "accuracy_before" is `accuracy` before anything was learned
STORY = "The story"


def history(readme: str) -> str:
    """The story of a milestone's README, as Markdown; without one, what opens it."""
    opening, *rest = (str(part) for part in re.split(r"^#+ ", readme, flags=re.MULTILINE))
    sections = {title: text for title, _, text in (part.partition("\n") for part in rest)}
    return sections.get(STORY, next(iter(sections.values()), opening)).strip()


def changes(result: Result) -> list[str]:
    """One sentence for each figure that was taken before and after learning."""
    said = _said(result)
    return [
        f"{_plain(name).capitalize()}: {said[name + BEFORE]} before learning, {said[name]} after."
        for name in said
        if name + BEFORE in said
    ]


def also_measured(result: Result, part: Part) -> list[str]:
    """A heading and a line for each figure that is neither a target's nor a change."""
    said = _said(result)
    told = {target.metric for target in part.targets}
    told |= {n for name in said if name + BEFORE in said for n in (name, name + BEFORE)}
    rest = [f"  {_plain(n):<22} {text}" for n, text in said.items() if n not in told]
    return ["Also measured:", *rest] if rest else []


def _said(result: Result) -> dict[str, str]:
    """Metric → its figures in words, as the script told them."""
    said = result.get("said")
    return said if isinstance(said, dict) else {}


def _plain(name: str) -> str:
    return name.replace("_", " ")
