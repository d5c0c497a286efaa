"""The planted curriculum, and a way to load changed versions of it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from planted import MANIFEST, curriculum, workspace, write

from tito.curriculum.curriculum import Curriculum

__all__ = ["curriculum", "workspace"]


@pytest.fixture
def changed(tmp_path: Path) -> Callable[..., Curriculum]:
    """`changed(old, new)` loads the planted manifest with its first `old` replaced."""

    def load(old: str = "", new: str = "", more: str = "") -> Curriculum:
        assert old in MANIFEST
        text = MANIFEST.replace(old, new, 1) + more
        write(tmp_path / "src" / "curriculum.toml", text)
        return Curriculum.load(tmp_path)

    return load
