"""The planted curriculum of tests/workspace, and a way to call the command line in-process."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "workspace"))

from planted import curriculum, workspace

__all__ = ["curriculum", "workspace"]


@pytest.fixture
def tito(monkeypatch):
    """`tito("module", "list", cwd=folder)` → click's Result; .output has stdout and stderr."""
    from tito.cli.app import tito as command

    def run(*args: str, cwd: Path | None = None, **settings: object) -> Result:
        if cwd is not None:
            monkeypatch.chdir(cwd)
        return CliRunner().invoke(command, list(args), prog_name="tito", **settings)

    return run
