"""The order check: nothing in module k may use or name what a later module introduces.

Looked at: imports, identifiers, comments and texts (docstrings, messages) of code cells, and
the hints. Prose may look ahead: "what this unlocks" is part of every module.
"""

from __future__ import annotations

import ast
import io
import re
import tokenize
from collections.abc import Iterator
from dataclasses import dataclass

from tito.curriculum.guidance import load_guidance
from tito.curriculum.manifest import PACKAGE_NAME, Manifest, Module, load_manifest
from tito.literate.percent import Cell, read_cells
from tito.package.exporter import parse, public_names

DISTINCTIVE = re.compile(r"[A-Z]\w*[a-z0-9]\w*|[A-Z]{3,}|\w+_\w+")  # Linear, SGD, clip_grad_norm

LOOKED_AT = {"NAME", "STRING", "COMMENT", "FSTRING_MIDDLE"}


@dataclass(frozen=True)
class Leak:
    """A later module's name or term, found where it should not be."""

    place: str
    found: str
    introduced_by: Module

    def __str__(self) -> str:
        return f"{self.place}: {self.found!r} is introduced by {self.introduced_by.label}"


def check_order(modules: tuple[Module, ...] | None = None) -> list[Leak]:
    """Return every leak in `modules` (default: all available ones), in order of place."""
    manifest = load_manifest()
    introduced = {m.number: vocabulary(m) for m in manifest.modules}
    return [
        leak
        for module in modules or manifest.available
        for leak in _leaks(module, manifest, introduced)
    ]


def vocabulary(module: Module) -> frozenset[str]:
    """The distinctive names and the terms that `module` introduces."""
    names = set(module.names)
    if module.available:
        cells = [cell for cell in read_cells(module.source) if cell.is_export]
        names |= {name for cell in cells for name in public_names(parse(cell))}
    return frozenset(name for name in names if DISTINCTIVE.fullmatch(name)) | set(module.terms)


def _leaks(
    module: Module, manifest: Manifest, introduced: dict[int, frozenset[str]]
) -> Iterator[Leak]:
    allowed = {
        word for m in manifest.modules if m.number <= module.number for word in introduced[m.number]
    }
    later = [m for m in manifest.modules if m.number > module.number]
    patterns = [(m, _pattern(introduced[m.number] - allowed)) for m in later]
    for place, text in _texts(module):
        for owner, pattern in patterns:
            for match in pattern.finditer(text):
                yield Leak(place, match[0], owner)
    for place, target in _imports(module):
        if brings := _owner(target, later):
            yield Leak(place, target, brings)


def _pattern(words: frozenset[str]) -> re.Pattern[str]:
    """Names match as written; terms (lower case) in any case."""
    parts = [
        f"(?i:{re.escape(word)})" if word.islower() and "_" not in word else re.escape(word)
        for word in sorted(words, key=len, reverse=True)
    ]
    return re.compile(rf"(?<![\w.])(?:{'|'.join(parts)})(?!\w)") if parts else re.compile(r"(?!)")


def _texts(module: Module) -> Iterator[tuple[str, str]]:
    """(place, text) of everything in which a later name would be a leak."""
    for cell in read_cells(module.source):
        if cell.kind == "code":
            yield from _cell_texts(cell)
    for exercise_id, guidance in load_guidance(module).items():
        place = f"{module.guidance} [{exercise_id}]"
        for text in (*guidance.hints, *(mistake.hint for mistake in guidance.mistakes)):
            yield place, text


def _cell_texts(cell: Cell) -> Iterator[tuple[str, str]]:
    parse(cell)  # a syntax error is reported with its place, not as a tokenizer failure
    for token in tokenize.generate_tokens(io.StringIO(cell.source).readline):
        if tokenize.tok_name[token.type] in LOOKED_AT:
            yield cell.place(token.start[0]), token.string


def _imports(module: Module) -> Iterator[tuple[str, str]]:
    for cell in read_cells(module.source):
        if cell.kind == "code":
            for node in ast.walk(parse(cell)):
                yield from ((cell.place(node.lineno), name) for name in _imported(node))  # type: ignore[attr-defined]


def _imported(node: ast.AST) -> list[str]:
    match node:
        case ast.ImportFrom(module=str(name)):
            return [name]
        case ast.Import(names=aliases):
            return [alias.name for alias in aliases]
        case _:
            return []


def _owner(target: str, later: list[Module]) -> Module | None:
    if not target.startswith(f"{PACKAGE_NAME}."):
        return None
    return next((m for m in later if m.import_name == target), None)
