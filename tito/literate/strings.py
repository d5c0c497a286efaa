"""Where strings, brackets and statements end in a Python text, whatever else stands in it.

The standard tokenizer would not do: it stops at notebook lines (`!ls`, `?name`), and not at the
same ones in every Python. Each function here reads its text once.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

TOKEN = re.compile(r"#[^\n]*|\"\"\"|'''|[\"'()\[\]{}\n]|\\\n")
CLOSING = {
    '"""': re.compile(r'(?:[^\\"]++|\\.|"(?!""))*+"""', re.DOTALL),
    "'''": re.compile(r"(?:[^\\']++|\\.|'(?!''))*+'''", re.DOTALL),
    '"': re.compile(r'(?:[^\\"\n]++|\\.)*+"?', re.DOTALL),
    "'": re.compile(r"(?:[^\\'\n]++|\\.)*+'?", re.DOTALL),
}
OPENING = re.compile(r"#[^\n]*|\"\"\"|'''|[\"']")


def quoted_lines(lines: Sequence[str]) -> set[int]:
    """The indices of the lines whose beginning stands in a string; none if one never closes."""
    text = "\n".join(lines)
    inside: set[int] = set()
    line = position = 0
    for start, end in _strings(text) or ():
        line += text.count("\n", position, start)
        last = line + text.count("\n", start, end)
        inside.update(range(line + 1, last + 1))
        line, position = last, end
    return inside


def _strings(text: str) -> list[tuple[int, int]] | None:
    """(start, end) of every string in `text`, in order; None if one of them never closes."""
    found = []
    position = 0
    while token := OPENING.search(text, position):
        position = token.end()
        if closing := CLOSING.get(token[0]):
            end = closing.match(text, position)
            if end is None:
                return None
            position = end.end()
            found.append((token.start(), position))
    return found


def statement_end(text: str, start: int) -> int:
    """The position behind the statement that begins at `start`: the next line's, usually.

    A statement goes on in brackets, in long strings and behind a backslash. One that never ends
    takes the rest of the text.
    """
    depth = 0
    while token := TOKEN.search(text, start):
        start = token.end()
        if closing := CLOSING.get(token[0]):
            end = closing.match(text, start)
            start = end.end() if end else len(text)
        elif token[0] == "\n" and depth <= 0:
            return start
        else:
            depth += (token[0] in "([{") - (token[0] in ")]}")
    return len(text)
