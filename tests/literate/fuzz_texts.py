"""Random percent texts and notebooks, whole and damaged, for `fuzz.py`."""

from __future__ import annotations

import json
import random
import re
import string
from collections.abc import Callable

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
