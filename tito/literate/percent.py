r"""Read Jupytext percent `.py` files, as editors really write them.

jupytext makes the notebooks; this reader exists beside it because messages need the line where
a cell begins, and because a verdict must not wait for a conversion. Tests keep the two in
agreement (`tests/literate/fuzz.py`). They differ on purpose in this:

- Cells lose the blank lines around them; lines end at "\n", "\r\n" or "\r", and nowhere else
  (jupytext also breaks a line at a form feed or a Unicode separator within a string).
- Strings end where Python ends them (jupytext takes `"\\"` for an open string). Where a string
  never closes, every marker splits, so that one damaged cell does not swallow those behind it.
- The YAML header is no cell, and neither are blank lines before the first marker.
- Commented notebook lines stay comments (jupytext uncomments `# %matplotlib inline` and `# # +`).
- Metadata are JSON; jupytext also accepts Python literals, and keeps what it cannot read as
  `incorrectly_encoded_metadata`. Here it belongs to the title, unless it names NBGrader or
  TinyTorch: then it is an error, for a test that nobody sees would be lost.
- A title's last word that begins with a dot is one (jupytext drops it as an attribute).
- jupytext's own options in metadata (`active`, `tags=["active-…"]`, `language`) mean nothing,
  and a marker splits a commented markdown cell even between code fences.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from itertools import pairwise, takewhile
from typing import Any

from tito.literate.cells import Cell
from tito.literate.errors import SourceError
from tito.literate.strings import quoted_lines

MARKER = re.compile(
    r"[ \t\f]*#[ \t]*(?:%%%*[ \t\f](?P<rest>.*)|(?:%%|<codecell>|In\[[0-9 ]*\]:?)[ \t\f]*)$"
)
KINDS = {"[markdown]": "markdown", "[raw]": "raw", "[md]": "markdown"}
KEY = re.compile(r"\s*(?P<key>[\w.@/-]+)\s*=\s*")
OURS = re.compile("nbgrader|tinytorch")
HEADER_RULE = re.compile(r"# ?---\s*$")
ENCODING = re.compile(r"[ \t\f]*#.*?coding[:=][ \t]*[-\w.]")
QUOTED = re.compile(r"[rR]?(\"\"\"|''')(.*)\1", re.DOTALL)
LINE_END = re.compile(r"\r\n?")


def parse_percent(text: str, origin: str = "") -> list[Cell]:
    """Return the cells of a percent-format text; `origin` is used in messages.

    Raises SourceError (with file:line) where a marker's metadata cannot be read.
    """
    lines = LINE_END.sub("\n", text).split("\n")
    return [
        _cell(chunk, index, f"{origin}:{start}", origin, start)
        for index, (start, chunk) in enumerate(_chunks(lines))
    ]


def _cell(lines: list[str], index: int, place: str, origin: str, start: int) -> Cell:
    """The cell of a chunk that begins at line `start`, with its marker if it has one."""
    marker = MARKER.match(lines[0])
    kind, metadata = _marker(marker["rest"] or "", place) if marker else ("code", {})
    first = 1 if marker else 0
    while first < len(lines) and not lines[first]:
        first += 1
    source = "\n".join(lines[first:]).rstrip("\n")
    if kind != "code":
        source = _prose(source).strip("\n")
    return Cell(kind, source, metadata, start + first, index, origin)


def _chunks(lines: list[str]) -> Iterator[tuple[int, list[str]]]:
    """Yield (1-based number of the first line, lines) for each cell, its marker included."""
    top = _header_end(lines)
    starts = _markers(lines, top)
    head = starts[0] if starts else len(lines)
    if any(line.strip() for line in lines[top:head]):
        starts.insert(0, top)
    for start, end in pairwise([*starts, len(lines)]):
        yield start + 1, lines[start:end]


def _header_end(lines: list[str]) -> int:
    """The index of the first line behind encoding, interpreter and YAML header."""
    top = 1 if lines[0].startswith("#!") else 0
    if top < len(lines) and ENCODING.match(lines[top]):
        top += 1
    comments = list(takewhile(lambda line: line.startswith("#"), lines[top:]))
    rules = [number for number, line in enumerate(comments) if HEADER_RULE.match(line)]
    if len(rules) < 2 or rules[0] != 0:
        return top
    end = top + rules[1] + 1
    return end + 1 if lines[end : end + 1] == ["#"] else end


def _markers(lines: list[str], top: int) -> list[int]:
    """The indices of the lines that begin a cell: not those inside of strings."""
    found = [n for n in range(top, len(lines)) if "#" in lines[n] and MARKER.match(lines[n])]
    inside = quoted_lines(lines) if found else set()
    return [number for number in found if number not in inside]


def _marker(text: str, place: str) -> tuple[str, dict[str, Any]]:
    """The kind and the metadata of a cell whose marker goes on with `text`."""
    start = _metadata_start(text)
    title = text[:start]
    kind = next((kind for mark, kind in KINDS.items() if mark in title), "code")
    try:
        return kind, _metadata(text[start:])
    except (ValueError, RecursionError) as error:
        if OURS.search(text):
            raise SourceError(
                place,
                f"cannot read the cell's metadata: {error}.",
                'After the title and [markdown], write key=JSON, such as tags=["a"].',
            ) from error
        return kind, {}


def _metadata_start(text: str) -> int:
    """Where the metadata begin: at "{", or at the key before the first "="."""
    brace, equal = text.find("{"), text.find("=")
    if equal < 0 or 0 <= brace < equal:
        return brace if brace >= 0 else len(text)
    before = text[:equal].rstrip()
    return max(before.rfind(" "), before.rfind("\t")) + 1


def _metadata(text: str) -> dict[str, Any]:
    """Parse `key=JSON key=JSON …` or one JSON object; ValueError for anything else."""
    if text.startswith("{"):
        found = json.loads(text)
        return dict(found)
    decoder = json.JSONDecoder()
    metadata = {}
    position = 0
    while match := KEY.match(text, position):
        metadata[match["key"]], position = decoder.raw_decode(text, match.end())
    if rest := text[position:].strip():
        raise ValueError(f"{rest!r} is not key=JSON")
    return metadata


def _prose(source: str) -> str:
    """The text of a markdown cell: the inside of its string, or its uncommented lines."""
    if quoted := QUOTED.fullmatch(source.strip()):
        return quoted[2]
    return "\n".join(_uncommented(line) for line in source.split("\n"))


def _uncommented(line: str) -> str:
    return line[1:].removeprefix(" ") if line.startswith("#") else line
