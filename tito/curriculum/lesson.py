"""What a module's text promises: what one can do after it, and what to try at once."""

from __future__ import annotations

import re
from collections.abc import Iterable

from tito.curriculum.modules import Module
from tito.literate.cells import Cell

OBJECTIVE = re.compile(
    r"^#+ (?:What you will be able to do|Learning objectives)[^\n]*$"
    r".*?^1\. (?P<first>.*?)(?=^2\. |\n\n|\Z)",
    re.MULTILINE | re.DOTALL,
)
LAST_SECTION = re.compile(r"^#+ What this unlocks$(?P<text>.*)", re.MULTILINE | re.DOTALL)
SNIPPET = re.compile(r"^```python\n(?P<code>.*?)^```", re.MULTILINE | re.DOTALL)
MARKS = re.compile(r"[*$`]")


def ability(cells: Iterable[Cell]) -> str:
    """The first of the module's objectives, as the end of "You can now …"; "" without any."""
    found = OBJECTIVE.search(_text(cells))
    if found is None:
        return ""
    sentence = " ".join(MARKS.sub("", found["first"]).split()).rstrip(".;")
    return sentence[:1].lower() + sentence[1:]


def snippet(cells: Iterable[Cell], module: Module) -> str:
    """The lines to try that close the module's text; without any, an import of its names."""
    ending = LAST_SECTION.search(_text(cells))
    code = SNIPPET.search(ending["text"]) if ending else None
    return code["code"].rstrip() if code else f"from {module.facades[0]} import {_names(module)}"


def _names(module: Module) -> str:
    return ", ".join(list(module.shown)[:3]) or "*"


def _text(cells: Iterable[Cell]) -> str:
    return "\n\n".join(cell.source.strip() for cell in cells if cell.kind == "markdown")
