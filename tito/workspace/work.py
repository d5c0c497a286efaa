"""A learner's work on one module, read once: what is judged is what is exported and recorded."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from tito.curriculum.modules import Module
from tito.files import read_bytes
from tito.literate.cells import Cell
from tito.literate.reading import parse_cells
from tito.package.exporter import export_files
from tito.package.writer import Exports
from tito.workspace.layout import Workspace, from_here


@dataclass(frozen=True)
class Work:
    """The bytes of a learner's file at one moment, and everything that follows from them."""

    module: Module
    path: Path
    root: Path
    data: bytes

    @cached_property
    def digest(self) -> str:
        """A short fingerprint of the bytes."""
        return hashlib.sha256(self.data).hexdigest()[:16]

    @cached_property
    def cells(self) -> list[Cell]:
        """Its cells. Raises SourceError where the file is damaged."""
        return parse_cells(self.data, str(from_here(self.path)))

    @cached_property
    def exports(self) -> Exports:
        """What goes into the package. Raises SourceError with file and line of any fault."""
        return export_files(
            self.cells, self.module.exports, str(from_here(self.path)), self.module.folder
        )

    @property
    def was_saved_since(self) -> bool:
        """True when the file on disk is no longer the one that was read, or is gone."""
        try:
            return self.path.read_bytes() != self.data
        except OSError:
            return True


def read_work(workspace: Workspace, module: Module) -> Work:
    """Read the learner's file of a module. Raises TitoError when there is none, or it is a link."""
    path = workspace.learner_file(module)
    return Work(module, path, workspace.root, read_bytes(path, inside=workspace.root))
