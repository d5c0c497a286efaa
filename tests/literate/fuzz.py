"""Random percent texts and notebooks, whole and damaged: our reader against jupytext's.

    python tests/literate/fuzz.py 10000

reads that many and prints how they ended. For each text our reader gives the cells that jupytext
gives, or a SourceError with a place; or the two differ in a way that `tito.literate.percent`
documents, and that is established here by other means. Anything else raises.
"""

from __future__ import annotations

import collections
import io
import json
import random
import re
import sys
import time
import tokenize
import warnings
from collections.abc import Callable, Iterable

import jupytext
import nbformat
from fuzz_texts import KINDS
from jupytext.magics import unescape_code_start
from jupytext.stringparser import StringParser
from nbformat import NotebookNode

from tito.literate.cells import Cell
from tito.literate.errors import SourceError
from tito.literate.percent import MARKER
from tito.literate.reading import parse_cells
from tito.literate.solutions import regions
from tito.literate.strings import quoted_lines
from tito.package.exporter import export_files
from tito.package.loose_names import loose_names

PERCENT = {"extension": ".py", "format_name": "percent", "comment_magics": False}


class Disagreement(AssertionError):
    """Our reader and jupytext's give different cells, and nothing documented explains it."""


def judge_text(data: bytes, origin: str) -> str:
    """How the reading of one text ended: "same", "refused", "jupytext refused", or a difference."""
    if data.startswith(b"\xef\xbb\xbf"):
        data = data[3:]  # jupytext leaves this mark in the text
    try:
        ours = parse_cells(data, origin)
    except SourceError as error:
        assert error.place.startswith(origin)
        return "refused"
    use(ours)
    text = data.decode("utf-8")
    try:
        theirs = jupytext_cells(text, origin)
    except Exception:
        return "jupytext refused"
    mine = [_shape(cell.kind, cell.source, cell.nbgrader) for cell in ours]
    if len(theirs) > len(mine) and theirs[0] == ("code", "", {}):
        theirs = theirs[1:]  # blank lines before the first marker
    if mine == theirs:
        return "same"
    found = documented_difference(text) if origin.endswith(".py") else _unnumbered(text)
    if not found:
        raise Disagreement(f"{text!r}\n ours   {mine}\n theirs {theirs}")
    return found


def jupytext_cells(text: str, origin: str) -> list[tuple[str, str, dict[str, object]]]:
    """What jupytext reads, without what we do not count as cells."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        if origin.endswith(".py"):
            cells = jupytext.reads(text, fmt=PERCENT).cells
        else:  # as jupytext does, but for format 3 too
            cells = nbformat.reads(text, as_version=4).cells
    if origin.endswith(".py") and cells and _is_header(cells[0]):
        cells = cells[1:]  # the YAML header
    return [_shape(c.cell_type, c.source, c.metadata.get("nbgrader")) for c in cells]


def _is_header(cell: NotebookNode) -> bool:
    return cell.cell_type == "raw" and cell.source.startswith("---\n")


def _shape(kind: str, source: str, nbgrader: object) -> tuple[str, str, dict[str, object]]:
    lines = source.splitlines()
    while kind == "code" and (lines != (bare := unescape_code_start([*lines], ".py"))):
        lines = bare
    table = dict(nbgrader) if isinstance(nbgrader, dict) else {}
    return kind, "\n".join(lines).strip("\n").rstrip(), table


def documented_difference(text: str) -> str:
    """Why the two may differ on this text; empty if they may not."""
    ours = re.split(r"\r\n|\r|\n", text)
    if ours[: len(text.splitlines())] != text.splitlines():
        return "differs: line separators in strings"
    markers = {n for n, line in enumerate(ours) if MARKER.match(line)}
    quoted = markers & quoted_lines(ours)
    if quoted != markers & _quoted_by_jupytext(ours):
        by_python = _quoted_by_python("\n".join(ours))
        if by_python is not None and markers & by_python != quoted:
            raise Disagreement(f"Python sees other strings than we do: {text!r}")
        return "differs: where strings end"
    if any(re.match(r" *#? {0,4}(```|~~~)", line) for line in ours):
        return "differs: code fences"
    if any(re.search(r"%%.*\s\.\S*\s*$", ours[number]) for number in markers):
        return "differs: a title's last word begins with a dot"
    return ""


def _unnumbered(text: str) -> str:
    return "" if "nbformat" in json.loads(text) else "differs: no format number"


def _quoted_by_jupytext(lines: list[str]) -> set[int]:
    parser = StringParser("python")
    found = set()
    for number, line in enumerate(lines):
        if parser.is_quoted():
            found.add(number)
        parser.read_line(line)
    return found


def _quoted_by_python(text: str) -> set[int] | None:
    """The lines that begin in a string, as Python's tokenizer sees it; None if it cannot."""
    found: set[int] = set()
    try:
        for token in tokenize.generate_tokens(io.StringIO(text).readline):
            if token.type == tokenize.ERRORTOKEN:
                return None
            if tokenize.tok_name[token.type] in ("STRING", "FSTRING_MIDDLE"):
                found.update(range(token.start[0], token.end[0]))
    except (tokenize.TokenError, SyntaxError):
        return None
    return found


def use(cells: list[Cell]) -> None:
    """Ask everything of cells that may be damaged: an answer or a SourceError, nothing else."""
    for cell in cells:
        for ask in (lambda c: c.role, lambda c: c.points, lambda c: c.grade_id, lambda c: c.tree,
                    lambda c: c.exercise_kind, lambda c: c.directives, regions):  # fmt: skip
            _answer(lambda ask=ask, cell=cell: ask(cell))
    _answer(lambda: export_files(cells, ["core.a"], "m", "m"))
    _answer(lambda: loose_names(cells, ["core.a", "core.b"], "m"))


def _answer(ask: Callable[[], object]) -> None:
    try:
        ask()
    except SourceError as error:
        assert error.place


def run(count: int, seed: int = 0) -> dict[str, collections.Counter[str]]:
    """Read `count` texts; return kind → outcome → how often."""
    tally = {name: collections.Counter[str]() for name, _, _ in KINDS}
    for number in range(count):
        name, origin, make = KINDS[number % len(KINDS)]
        tally[name][judge_text(make(random.Random(f"{seed}-{number}")), origin)] += 1
    return tally


def main(arguments: Iterable[str]) -> None:
    """Read as many texts as the first argument says; the second is the seed."""
    count, seed = (*map(int, arguments), 0)[:2] if arguments else (10000, 0)
    start = time.perf_counter()
    for name, outcomes in run(count, seed).items():
        print(f"{name}: " + ", ".join(f"{n} {what}" for what, n in outcomes.most_common()))
    print(f"{count} texts in {time.perf_counter() - start:.1f} s, seed {seed}")


if __name__ == "__main__":
    main(sys.argv[1:])
