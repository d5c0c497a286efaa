"""Build hook: the wheel carries the curriculum and a reference `tinytorch` made from src/."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

DATA = ("src", "milestones", "datasets")
LEFT_OUT = {"__pycache__", "outputs", ".ipynb_checkpoints"}


class BuildReference(BuildHookInterface):
    """Builds `tinytorch` from the literate modules while the wheel is made."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Add the reference package and the curriculum's files to the wheel."""
        sys.path.insert(0, self.root)
        from tito.curriculum.curriculum import Curriculum
        from tito.package.writer import write_reference

        curriculum = Curriculum.load(Path(self.root))

        if version == "editable":
            write_reference(Path(self.root), curriculum)
            return
        self.folder = tempfile.TemporaryDirectory()
        write_reference(Path(self.folder.name), curriculum)
        included = build_data["force_include"]
        included[str(Path(self.folder.name) / "tinytorch")] = "tinytorch"
        for path in self._curriculum():
            included[str(path)] = f"tito/_data/{path.relative_to(self.root).as_posix()}"

    def _curriculum(self) -> list[Path]:
        root = Path(self.root)
        fetched = root / "milestones" / "datasets"
        return [
            path
            for name in DATA
            for path in sorted((root / name).rglob("*"))
            if path.is_file() and not LEFT_OUT & set(path.parts) and fetched not in path.parents
        ]

    def finalize(self, version: str, build_data: dict[str, Any], artifact_path: str) -> None:
        """Remove the temporary build."""
        if hasattr(self, "folder"):
            self.folder.cleanup()
