"""How much code a milestone ran on, and whose: the pride that was earned, measured."""

from __future__ import annotations

import ast
import io
import tokenize

from tito.curriculum.modules import Part
from tito.milestones.context import Context
from tito.package.writer import Exports, Sources, is_prebuilt, reference_sources

NO_CODE = {
    tokenize.COMMENT, tokenize.NL, tokenize.NEWLINE, tokenize.INDENT, tokenize.DEDENT,
    tokenize.ENDMARKER,
}  # fmt: skip


def pride(context: Context, part: Part) -> str:
    """A sentence about the lines of code of the modules that the part builds upon."""
    used = [exports for n, exports in sorted(_sources(context).items()) if n in part.needs]
    count = sum(map(_lines, used))
    if context.standing is None:
        return f"Made with the reference framework's {count:,} lines of code."
    given = sum(_lines(exports) for exports in used if is_prebuilt(exports))
    if given:
        return (
            f"Made with {count:,} lines of code: {count - given:,} of your own, "
            f"{given:,} that came with your track."
        )
    return f"Made with {count:,} lines of code, every one of which you wrote or can explain."


def code_lines(text: str) -> int:
    """How many lines of a Python file hold code: no blank lines, comments or docstrings."""
    tokens = tokenize.generate_tokens(io.StringIO(text).readline)
    spans = (range(t.start[0], t.end[0] + 1) for t in tokens if t.type not in NO_CODE)
    return len({line for span in spans for line in span} - _docstring_lines(text))


def _sources(context: Context) -> Sources:
    if context.standing is None:
        return reference_sources(context.curriculum)
    return context.standing.workspace.sources()


def _lines(exports: Exports) -> int:
    return sum(map(code_lines, exports.values()))


def _docstring_lines(text: str) -> set[int]:
    """The lines of docstrings, and of any other text that stands as a statement by itself."""
    return {
        line
        for node in ast.walk(ast.parse(text))
        if isinstance(node, ast.Expr)
        and isinstance(node.value, ast.Constant)
        and isinstance(node.value.value, str)
        for line in range(node.lineno, (node.end_lineno or node.lineno) + 1)
    }
