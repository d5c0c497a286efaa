"""The planted curriculum, and a way to call the command line on it in-process."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from planted import curriculum, workspace

__all__ = ["curriculum", "workspace"]


@pytest.fixture
def tito(curriculum, monkeypatch):
    """`tito("module", "list", cwd=folder)` → click's Result; .output has stdout and stderr.

    The curriculum handed to the command is the planted one, or the `obj` given.
    """
    from tito.cli.app import tito as command

    def run(*args: str, cwd: Path | None = None, obj: object = curriculum) -> Result:
        if cwd is not None:
            monkeypatch.chdir(cwd)
        return CliRunner().invoke(command, list(args), prog_name="tito", obj=obj)

    return run
