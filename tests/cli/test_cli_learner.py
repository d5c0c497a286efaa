"""A learner's first two modules on the real curriculum, as processes, from `tito setup` on."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from planted import solve

from tito.curriculum.curriculum import Curriculum
from tito.package.writer import write_reference
from tito.workspace.layout import Workspace

CURRICULUM = Curriculum.load()
REPOSITORY = Path(__file__).resolve().parents[2]
WHERE = "import tinytorch; print(tinytorch.__file__)"


class Learner:
    """Somebody with the reference installed, who types commands in a folder of their own."""

    def __init__(self, home: Path) -> None:
        self.home = home
        site = home / "site-packages"
        write_reference(site, CURRICULUM)
        paths = os.pathsep.join([str(site), str(REPOSITORY)])
        self.env = {**os.environ, "PYTHONPATH": paths, "PYTHONUTF8": "1"}

    def python(self, *args: str, cwd: Path) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, *args], cwd=cwd, env=self.env, capture_output=True, encoding="utf-8"
        )

    def tito(self, *args: str, cwd: Path, code: int = 0) -> str:
        done = self.python("-m", "tito", *args, cwd=cwd)
        assert done.returncode == code, done.stdout + done.stderr
        assert "Traceback" not in done.stderr
        return done.stdout + done.stderr


@pytest.fixture(scope="module")
def learner(tmp_path_factory) -> Learner:
    return Learner(tmp_path_factory.mktemp("learner"))


def test_the_first_two_modules(learner):
    tensor, activations = (CURRICULUM.module(number) for number in (1, 2))
    learner.tito("setup", "mine", cwd=learner.home)
    root = learner.home / "mine"
    workspace = Workspace(root, CURRICULUM)
    notebook = workspace.notebook(tensor)

    learner.tito("module", "start", "01", "--no-open", cwd=root)
    assert "0 of 60 points" in learner.tito("module", "test", "01", cwd=root, code=1)
    assert "hint 1 of 3" in learner.tito("module", "hint", "01", cwd=notebook.parent)
    learner.tito("module", "start", "02", "--no-open", cwd=root, code=1)

    solve(workspace, tensor)
    assert "60 of 60 points" in learner.tito("module", "test", "01", cwd=root)
    assert "tito module start 02" in learner.tito("module", "complete", "01", cwd=root)

    for folder in (root, notebook.parent, root / "milestones"):
        where = learner.python("-c", WHERE, cwd=folder).stdout.strip()
        assert where == str(root / "tinytorch" / "__init__.py"), folder
    assert learner.python("-c", WHERE, cwd=learner.home).stdout.strip() != where
    use = "from tinytorch import Tensor; print((Tensor([1.0, 2.0]) * 3).data)"
    assert learner.python("-c", use, cwd=notebook.parent).stdout.split() == ["[3.", "6.]"]
    later = learner.python("-c", "from tinytorch.nn import Sigmoid", cwd=notebook.parent)
    assert "Module 02 (Activations)" in later.stderr and "tito module start 02" in later.stderr

    learner.tito("module", "start", "--no-open", cwd=root)
    solve(workspace, activations)
    assert "complete" in learner.tito("module", "complete", cwd=root)
    use = "from tinytorch import ReLU, Tensor; print(ReLU()(Tensor([-1.0, 2.0])).data)"
    assert learner.python("-c", use, cwd=root / "milestones").stdout.split() == ["[0.", "2.]"]

    learner.tito("module", "complete", "01", cwd=root)
    status = json.loads(learner.tito("module", "status", "--json", cwd=root))
    states = [row["state"] for row in status["modules"]]
    assert states[:3] == ["completed", "completed", "ready"]
    doctor = json.loads(learner.tito("system", "doctor", "--json", cwd=root))
    assert doctor["problems"] == 0, doctor
