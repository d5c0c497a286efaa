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
import string
import sys
import time
import tokenize
import warnings
from collections.abc import Callable, Iterable

import jupytext
import nbformat
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
NBGRADER = '{"grade": false, "grade_id": "a_b", "locked": false, "solution": true, "points": 3}'

HEADERS = (
    "",
    "",
    "# ---\n# jupyter:\n#   kernelspec:\n#     display_name: P\n#     name: python3\n# ---\n",
    "# ---\n# jupyter:\n#   jupytext:\n#     encoding: x\n# ---\n\n",
    "# ---\n# title: Notes\n# ---\n\n",
    "#!/usr/bin/env python\n",
    "# -*- coding: utf-8 -*-\n",
    "# Copyright somebody\n\n",
    "import math\n\nx = 1\n",
    "\n\n",
    "# ---\n# never closed\n",
)
MARKERS = (
    "# %%",
    "#%%",
    "# %% ",
    "#  %%",
    "# %%%% deeper",
    "    # %% indented",
    "# %% A title",
    "# %% a title with step = 3 in it",
    f"# %% nbgrader={NBGRADER}",
    f'# %% Title nbgrader={NBGRADER} tags=["a", "b"]',
    f"# %% nbgrader = {NBGRADER}",
    f'# %% {{"nbgrader": {NBGRADER}}}',
    "# In[3]:",
    "# In[ ]:",
    "# <codecell>",
)
PROSE_MARKERS = (
    "# %% [markdown]",
    "#%% [markdown]",
    "# %% [md]",
    "# %% [raw]",
    "# %% Some title [markdown]",
    '# %% [markdown] tags=["x"]',
    f"# %% [markdown] nbgrader={NBGRADER}",
)
CODE = (
    "x = 1",
    "#| export",
    "# | export",
    "#| default_exp core.a",
    "#| export core.b",
    "#| hide",
    "def f(a, b=2):\n    return a + b",
    "def g():\n\n    ### BEGIN SOLUTION\n    pass\n    ### END SOLUTION",
    "def h():\n    ### BEGIN BROKEN\n    # return 1\n    ### END BROKEN\n"
    "    ### BEGIN SOLUTION\n    return 2\n    ### END SOLUTION",
    's = """\n# %% inside\nstill inside\n"""',
    "s = '''\n# %% inside [markdown]\n'''",
    's = "# %% no marker"',
    "t = '\\\\'",
    's = "it\'s" + \'"""\'',
    "# it's a comment with one quote",
    "# %time commented",
    "# # + escaped",
    "%matplotlib inline",
    "%%time",
    "%timeit f(1)",
    "!pip install x",
    "files = !ls",
    "f?",
    "await something()",
    "x = (1,\n     2)",
    "y = x \\\n  % 2",
    "",
    "",
    "\t",
    "  ",
    "\fz = 2",
    "text = 'a\u2028b'",
    "print('é 漢字 😀')",
)
PROSE = (
    "# Title\n#\n# text",
    '"""\nSome prose\n\n# %% not a marker\n"""',
    'r"""\n$\\alpha$\n"""',
    "'''text'''",
    '"""one line"""',
    "plain prose, it's uncommented",
    "# ```\n# code\n# ```",
    "",
)
JUNK = (
    *string.printable,
    "#",
    "%",
    '"""',
    "'''",
    "# %%",
    "\n",
    "\\",
    "\0",
    "é",
    "\u2028",
    "\x85",
    "\ud800",
)

Rng = random.Random


def percent_text(rng: Rng) -> str:
    """A percent text as editors and people write them."""
    parts = [rng.choice(HEADERS)]
    for _ in range(rng.randrange(6)):
        markers, lines = rng.choice(((MARKERS, CODE), (MARKERS, CODE), (PROSE_MARKERS, PROSE)))
        parts.append(rng.choice(markers))
        count = rng.randrange(5) if lines is CODE else 1
        parts += [rng.choice(lines) for _ in range(count)]
        parts += [""] * rng.randrange(3)
    return rng.choice(("\n", "\n", "\n", "\r\n", "\r")).join("\n".join(parts).split("\n"))


def notebook_text(rng: Rng) -> str:
    """A notebook of format 4, or sometimes 3."""
    old = rng.random() < 0.2
    cells = [_notebook_cell(rng, old) for _ in range(rng.randrange(6))]
    book = {"metadata": {}, "nbformat": 3 if old else 4, "nbformat_minor": 0 if old else 4}
    book |= {"worksheets": [{"cells": cells, "metadata": {}}]} if old else {"cells": cells}
    return json.dumps(book, indent=rng.choice((None, 1)), ensure_ascii=rng.random() < 0.5)


def _notebook_cell(rng: Rng, old: bool) -> dict[str, object]:
    kind = rng.choice(("code", "code", "markdown", "raw", *(["heading"] if old else [])))
    source: object = "\n".join(rng.choice(CODE) for _ in range(rng.randrange(4)))
    if rng.random() < 0.5 and not (old and kind == "raw"):  # nbformat takes those lines apart
        source = re.findall(r"[^\n]*\n|[^\n]+", str(source))
    cell = {"cell_type": kind, "metadata": rng.choice(({}, {"nbgrader": json.loads(NBGRADER)}))}
    cell["input" if old and kind == "code" else "source"] = source
    if kind == "code":
        count = "prompt_number" if old else "execution_count"
        cell |= {
            "outputs": [],
            count: None,
            **({"collapsed": False, "language": "python"} if old else {}),
        }
    if kind == "heading":
        cell["level"] = rng.randrange(1, 7)
    return cell


def damaged(text: str, rng: Rng) -> bytes:
    """The text after an accident or two."""
    for _ in range(rng.randrange(1, 4)):
        at, other = sorted((rng.randrange(len(text) + 1), rng.randrange(len(text) + 1)))
        text = rng.choice(
            (
                text[:at],
                text[:at] + text[other:],
                text[:other] + text[at:],
                text[:at] + rng.choice(JUNK) + text[at:],
                text[:at] + "".join(rng.choices(JUNK, k=9)) + text[other:],
            )
        )
    data = text.encode("utf-8", "surrogatepass")
    if rng.random() < 0.1:
        at = rng.randrange(len(data) + 1)
        data = data[:at] + rng.randbytes(3) + data[at:]
    return data


def damaged_notebook(rng: Rng) -> bytes:
    """A notebook of which a part has become something else, or whose text was damaged."""
    text = notebook_text(rng)
    if rng.random() < 0.3:
        return damaged(text, rng)
    book = json.loads(text)
    holder: object = book
    while isinstance(holder, dict | list) and holder:
        key = rng.choice(list(holder) if isinstance(holder, dict) else range(len(holder)))
        if rng.random() < 0.15 or not isinstance(holder[key], dict | list):
            holder[key] = rng.choice(
                (None, 2, -1.5, "x", [], {}, [1], [["a"]], {"b": 1}, True, "\ud83d")
            )
            break
        holder = holder[key]
    return json.dumps(book).encode()


KINDS: tuple[tuple[str, str, Callable[[Rng], bytes]], ...] = (
    ("percent", "m.py", lambda rng: percent_text(rng).encode()),
    ("damaged percent", "m.py", lambda rng: damaged(percent_text(rng), rng)),
    ("notebook", "m.ipynb", lambda rng: notebook_text(rng).encode()),
    ("damaged notebook", "m.ipynb", damaged_notebook),
)


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
