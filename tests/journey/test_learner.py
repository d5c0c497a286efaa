"""One learner's whole way, from an installed wheel: setup, Modules 01-13, Milestones 01-05.

The learner is a script that fills the reference solutions into the notebooks, plus one line
of its own, which shows whose code the milestones run.
"""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tito.curriculum.curriculum import Curriculum
from tito.literate.solutions import without_markers

CURRICULUM = Curriculum.load()
MODULES = [m for m in CURRICULUM.available if m.number <= 13]
LAST_FOR_THE_MLP = 8
RUNS = (
    ("perceptron", 2),
    ("xor", 2),
    ("mlp", 1),
    ("cnn", 1, "--epochs", "2"),
    ("transformer", 1, "--epochs", "2"),
    ("transformer", 2, "--epochs", "1"),
)
MARKER = "my own tensor at work"


def solve(workspace: Path, module, leave_out: str | None = None) -> None:
    """Write the reference solutions into the learner's notebook, as a learner types them."""
    path = workspace / "modules" / module.folder / f"{module.folder}.ipynb"
    notebook = json.loads(path.read_text(encoding="utf-8"))
    found = [e for e in CURRICULUM.exercises(module) if e.id != leave_out]
    answers = {e.id: without_markers(e.cell.source) for e in found}
    for cell in notebook["cells"]:
        grade_id = cell["metadata"].get("nbgrader", {}).get("grade_id")
        if grade_id in answers:
            cell["source"] = answers[grade_id]
    if module.number == 1 and leave_out is None:
        notebook["cells"].append(marker_cell())
    path.write_text(json.dumps(notebook), encoding="utf-8")


def marker_cell() -> dict:
    """A cell of the learner's own: every Tensor that is made counts, and the exit tells."""
    source = (
        "#| export\n"
        "import atexit, sys\n"
        "_plain = Tensor.__init__\n"
        "_made = []\n\n"
        "def _counted(self, *args, **kwargs):\n"
        "    _made.append(1)\n"
        "    _plain(self, *args, **kwargs)\n\n"
        "def _tell():\n"
        f"    print('{MARKER}:', len(_made), file=sys.stderr)\n\n"
        "Tensor.__init__ = _counted\n"
        "atexit.register(_tell)\n"
    )
    return {"cell_type": "code", "id": "mine", "metadata": {}, "outputs": [],
            "execution_count": None, "source": source}  # fmt: skip


@pytest.fixture(scope="module")
def workspace(installed, tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("learner")
    done = installed.tito("setup", "work", cwd=folder)
    assert done.returncode == 0, done.stderr
    return folder / "work"


@pytest.mark.xdist_group("journey")
def test_the_whole_way(installed, workspace):
    tito = installed.tito
    for module in MODULES:
        started = tito("module", "start", module.id, "--no-open", cwd=workspace)
        assert started.returncode == 0, started.stdout + started.stderr
        assert f"{module.folder}.ipynb" in started.stdout.replace("\n", "")

        untouched = tito("module", "test", module.id, "--json", cwd=workspace)
        report = json.loads(untouched.stdout)
        assert untouched.returncode == 1
        assert report["points"] == 0
        assert {r["status"] for r in report["results"]} <= {"not started", "failed"}

        refused = tito("module", "complete", module.id, cwd=workspace)
        assert refused.returncode == 1

        last = CURRICULUM.exercises(module)[-1].id
        solve(workspace, module, leave_out=last)
        assert tito("module", "test", module.id, cwd=workspace).returncode == 1
        solve(workspace, module)
        if module.number == LAST_FOR_THE_MLP:
            _an_unfinished_module_stops_the_milestone(installed, workspace, module)
        done = tito("module", "complete", module.id, cwd=workspace)
        assert done.returncode == 0, done.stdout + done.stderr

    for name, part, *more in RUNS:
        asked = ["--part", str(part), "--seed", "0", "--json", *more]
        run = tito("milestone", "run", name, *asked, cwd=workspace)
        assert run.returncode == 0, run.stdout + run.stderr
        made = [line for line in run.stderr.splitlines() if line.startswith(MARKER)]
        assert made and int(made[-1].rsplit(" ", 1)[1]) > 100, run.stderr

    status = json.loads(tito("module", "status", "--json", cwd=workspace).stdout)
    assert json.dumps(status).count("complete") >= 13


def _an_unfinished_module_stops_the_milestone(installed, workspace, module):
    stopped = installed.tito("milestone", "run", "mlp", cwd=workspace)
    assert stopped.returncode == 1
    said = " ".join((stopped.stdout + stopped.stderr).split())
    assert module.label in said or f"{module.id} {module.title}" in said
    assert f"tito module start {module.id}" in said
