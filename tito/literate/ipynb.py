"""Read notebooks (`.ipynb`, formats 3 and 4): their cells' sources and metadata.

Outputs and attachments are left aside. A file with cells and no format number counts as format 4
(nbformat takes it for format 1, and finds nothing in it).
"""

from __future__ import annotations

import json
from typing import Any

from tito.literate.cells import Cell
from tito.literate.errors import SourceError
from tito.literate.percent import LINE_END

KINDS = {"code": "code", "markdown": "markdown", "raw": "raw", "html": "markdown"}
NEWEST = 4
ADVICE = (
    "Restore a backup or a checkpoint of the notebook, or start over with a fresh copy: "
    "tito module reset (your file is kept as a backup)."
)


def parse_notebook(text: str, origin: str = "") -> list[Cell]:
    """Return the cells of a notebook's JSON text; `origin` is used in messages.

    Raises SourceError, with what to do, when the text is no notebook or a damaged one.
    """
    entries = _entries(_document(text, origin), origin)
    return [_cell(entry, index, origin) for index, entry in enumerate(entries)]


def _document(text: str, origin: str) -> dict[str, Any]:
    try:
        document = json.loads(text)
    except json.JSONDecodeError as error:
        raise SourceError(
            f"{origin}:{error.lineno}",
            f"this is not a notebook: the file is not valid JSON ({error.msg}).",
            ADVICE,
        ) from error
    except (RecursionError, ValueError) as error:
        why = "it is nested too deeply" if isinstance(error, RecursionError) else str(error)
        raise SourceError(origin, f"this is not a notebook: {why}.", ADVICE) from error
    if not isinstance(document, dict):
        raise SourceError(origin, "this JSON file is not a notebook: it has no cells.", ADVICE)
    return document


def _entries(document: dict[str, Any], origin: str) -> list[Any]:
    """The cells as the file holds them: format 3 keeps them in worksheets."""
    version = document.get("nbformat", NEWEST)
    if version not in (3, NEWEST):
        raise SourceError(
            origin,
            f"this notebook has format {version!r}; tito reads formats 3 and {NEWEST}.",
            "Open it in Jupyter and save it again, as a notebook of format 4.",
        )
    sheets = document.get("worksheets", []) if version == 3 else [document]
    listed = [_listed(sheet) for sheet in sheets] if isinstance(sheets, list) else [None]
    if None in listed or not listed:
        raise SourceError(origin, "this JSON file is not a notebook: it has no cells.", ADVICE)
    return [entry for cells in listed if cells is not None for entry in cells]


def _listed(sheet: Any) -> list[Any] | None:
    cells = sheet.get("cells") if isinstance(sheet, dict) else None
    return cells if isinstance(cells, list) else None


def _cell(entry: Any, index: int, origin: str) -> Cell:
    try:
        kind, source = _content(entry)
    except (KeyError, TypeError) as error:
        place = f"{origin}, cell {index + 1}"
        raise SourceError(
            place, f"this cell is damaged: its type or its source is odd ({error}).", ADVICE
        ) from error
    metadata = entry.get("metadata")
    table = metadata if isinstance(metadata, dict) else {}
    return Cell(kind, LINE_END.sub("\n", source), table, 1, index, origin)


def _content(entry: dict[str, Any]) -> tuple[str, str]:
    """The kind and the text; format 3 has headings, and calls the source of code "input"."""
    named = entry["cell_type"]
    source = entry["input" if named == "code" and "input" in entry else "source"]
    text = source if isinstance(source, str) else "".join(source)
    if named == "heading":
        return "markdown", f"{'#' * min(entry['level'], 6)} {' '.join(text.splitlines())}"
    return KINDS[named], text
