"""The order check: a module may use and name what it builds upon, and nothing that others bring.

Looked at: imports, identifiers, comments and texts (docstrings, messages) of code cells, and
the hints. Prose may look ahead: "what this unlocks" is part of every module.
"""

from __future__ import annotations

import ast
import io
import re
import tokenize
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from tito.curriculum.curriculum import Curriculum
from tito.curriculum.modules import PACKAGE_NAME, Module
from tito.literate.cells import Cell
from tito.literate.syntax import public_names

DISTINCTIVE = re.compile(r"[A-Z]\w*[a-z0-9]\w*|[A-Z]{3,}|\w+_\w+")  # Linear, SGD, clip_grad_norm

LOOKED_AT = {"NAME", "STRING", "COMMENT", "FSTRING_MIDDLE"}


@dataclass(frozen=True)
class Leak:
    """The name or term of a module that this one does not build upon."""

    place: str
    found: str
    introduced_by: Module

    def __str__(self) -> str:
        return f"{self.place}: {self.found!r} is introduced by {self.introduced_by.label}"


def check_order(curriculum: Curriculum, modules: Iterable[Module] | None = None) -> list[Leak]:
    """Return every leak in `modules` (default: all available ones), in order of place."""
    introduced = {m.number: vocabulary(curriculum, m) for m in curriculum.modules}
    return [
        leak
        for module in modules or curriculum.available
        for leak in _leaks(curriculum, module, introduced)
    ]


def vocabulary(curriculum: Curriculum, module: Module) -> frozenset[str]:
    """The distinctive names and the terms that `module` introduces."""
    names = set(module.shown)
    if module.available:
        cells = [cell for cell in curriculum.cells(module) if cell.is_export]
        names |= {name for cell in cells for name in public_names(cell.tree)}
    return frozenset(name for name in names if DISTINCTIVE.fullmatch(name)) | set(module.terms)


def _leaks(
    curriculum: Curriculum, module: Module, introduced: dict[int, frozenset[str]]
) -> Iterator[Leak]:
    upon = {*module.prerequisites, *module.optional, module.number}
    allowed = {word for number in upon for word in introduced[number]}
    others = [m for m in curriculum.modules if m.number not in upon]
    patterns = [(m, _pattern(introduced[m.number] - allowed)) for m in others]
    for place, text in _texts(curriculum, module):
        for owner, pattern in patterns:
            for match in pattern.finditer(text):
                yield Leak(place, match[0], owner)
    for place, target in _imports(curriculum, module):
        if brings := _owner(target, others):
            yield Leak(place, target, brings)


def _pattern(words: frozenset[str]) -> re.Pattern[str]:
    """Names match as written; terms (lower case) in any case."""
    parts = [
        f"(?i:{re.escape(word)})" if word.islower() and "_" not in word else re.escape(word)
        for word in sorted(words, key=len, reverse=True)
    ]
    return re.compile(rf"(?<![\w.])(?:{'|'.join(parts)})(?!\w)") if parts else re.compile(r"(?!)")


def _texts(curriculum: Curriculum, module: Module) -> Iterator[tuple[str, str]]:
    """(place, text) of everything in which a foreign name would be a leak."""
    for cell in curriculum.cells(module):
        if cell.kind == "code":
            yield from _cell_texts(cell)
    for exercise_id, guidance in curriculum.guidance(module).items():
        place = f"{module.guidance_file} [{exercise_id}]"
        for text in (*guidance.hints, *(mistake.hint for mistake in guidance.mistakes)):
            yield place, text


def _cell_texts(cell: Cell) -> Iterator[tuple[str, str]]:
    _ = cell.tree  # a syntax error is reported with its place, not as a tokenizer failure
    for token in tokenize.generate_tokens(io.StringIO(cell.source).readline):
        if tokenize.tok_name[token.type] in LOOKED_AT:
            yield cell.place(token.start[0]), token.string


def _imports(curriculum: Curriculum, module: Module) -> Iterator[tuple[str, str]]:
    for cell in curriculum.cells(module):
        if cell.kind == "code":
            for node in ast.walk(cell.tree):
                yield from ((cell.place(node.lineno), name) for name in _imported(node))  # type: ignore[attr-defined]


def _imported(node: ast.AST) -> list[str]:
    match node:
        case ast.ImportFrom(module=str(name), names=aliases):
            return [name, *(f"{name}.{alias.name}" for alias in aliases)]
        case ast.Import(names=aliases):
            return [alias.name for alias in aliases]
        case _:
            return []


def _owner(target: str, others: list[Module]) -> Module | None:
    if not target.startswith(f"{PACKAGE_NAME}."):
        return None
    return next((m for m in others if target in m.import_names), None)
