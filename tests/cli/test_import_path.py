"""A learner's files are never imported by the process that judges."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = str(Path(__file__).resolve().parents[2])
TRAP = "import sys; sys.exit('the learner\\'s file ran')\n"


@pytest.mark.parametrize("name", ["click", "rich", "msgspec", "numpy", "json", "tomllib"])
@pytest.mark.parametrize("path", [ROOT, f".{os.pathsep}{ROOT}", f"{ROOT}{os.pathsep}."])
def test_a_file_in_the_current_folder_is_not_taken_for_a_library(tmp_path, name, path):
    (tmp_path / f"{name}.py").write_text(TRAP)
    run = subprocess.run(
        [sys.executable, "-m", "tito", "module", "list"],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": path},
        capture_output=True,
        text=True,
    )
    assert "the learner's file ran" not in run.stderr
    assert run.returncode == 0, run.stderr
