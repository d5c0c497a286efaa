"""`tito setup`, `milestone`, `system` and the program as a whole, on the planted curriculum."""

from __future__ import annotations

import json
import os
import sys
import venv

import pytest
from planted import solve

from tito.curriculum.curriculum import Curriculum
from tito.package.writer import write_reference


def finish(tito, workspace, number: int) -> None:
    solve(workspace, workspace.curriculum.module(number))
    assert tito("module", "complete", str(number), cwd=workspace.root).exit_code == 0


def test_setup_tells_the_next_step(tito, curriculum, tmp_path):
    done = tito("setup", "here", cwd=tmp_path)
    assert done.exit_code == 0
    assert str(tmp_path / "here") in done.output
    assert "cd here" in done.output
    assert done.output.endswith("\nNext: tito module start 01\n")
    again = tito("setup", "here")
    assert "Nothing was changed" in again.output
    (tmp_path / "here" / "README.md").unlink()
    assert "README.md" in tito("setup", "here").output


def test_setup_without_a_folder_leaves_the_folder_you_stand_in(tito, curriculum, tmp_path):
    (tmp_path / "notes.txt").write_text("x", encoding="utf-8")
    assert tito("setup", cwd=tmp_path).exit_code == 0
    assert (tmp_path / "tinytorch-workspace" / "modules").is_dir()


# -- milestones ------------------------------------------------------------------------------------


def test_milestone_list_and_info(tito, workspace):
    listed = tito("milestone", "list", cwd=workspace.root)
    assert "counting" in listed.output and "needs 01" in listed.output
    finish(tito, workspace, 1)
    rows = json.loads(tito("milestone", "list", "--json").stdout)
    assert [row["state"] for row in rows] == ["ready", "needs 02"]
    assert rows[1]["missing"] == [2]
    info = tito("milestone", "info", "abacus")
    assert "at least 90 %" in info.output and "mnist" in info.output
    assert "README.md" in info.output


def test_milestone_runs_on_the_learners_package_and_is_recorded(tito, workspace):
    finish(tito, workspace, 1)
    done = tito("milestone", "run", "1", "--seed", "3", "--epochs", "2", "--json")
    assert done.exit_code == 0, done.output
    data = json.loads(done.stdout)
    assert data["framework"] == "your own"
    (result,) = data["results"]
    assert result["package"] == str(workspace.package_dir / "__init__.py")
    assert {"--seed=3", "--epochs=2"} <= set(result["args"])
    assert "part 2" in done.stderr and "needs 02" in done.stderr
    board = tito("milestone", "status")
    assert "counting" in board.output and "met" in board.output
    assert json.loads(tito("milestone", "status", "--json").stdout)["results"][0]["part"] == 1


def test_run_all_leaves_out_what_has_to_be_fetched(tito, workspace):
    none = tito("milestone", "run", "all", cwd=workspace.root)
    assert none.exit_code == 1 and "No milestone can run yet" in none.output
    finish(tito, workspace, 1)
    finish(tito, workspace, 2)
    done = tito("milestone", "run", "all")
    assert done.exit_code == 0
    assert "part 1: On fingers –" in done.output and "part 2: By machine –" not in done.output
    named = tito("milestone", "run", "counting", "--part", "2")
    assert named.exit_code == 0 and "By machine" in named.output


def test_one_milestone_that_fails_does_not_stop_the_others(tito, workspace):
    finish(tito, workspace, 1)
    finish(tito, workspace, 2)
    script = workspace.root / "milestones" / "01_1900_counting" / "01_fingers.py"
    script.write_text("raise SystemExit(3)", encoding="utf-8")
    root = workspace.curriculum.root
    manifest = root / "src" / "curriculum.toml"
    text = manifest.read_text(encoding="utf-8").replace('data = "mnist"', "")
    manifest.write_text(text, encoding="utf-8")
    done = tito("milestone", "run", "all", obj=Curriculum.load(root))
    assert done.exit_code == 1
    assert "exit code 3" in done.output
    assert "By machine" in done.stdout


def test_a_short_run_does_not_replace_a_full_one(tito, workspace, monkeypatch):
    finish(tito, workspace, 1)
    results = iter([{"full": True, "n": 1}, {"full": False, "n": 2}, {"full": True, "n": 3}])

    def run_part(milestone, part, root, extra):
        return {"milestone": "01", "part": 1, "metrics": {}, "seconds": 1.0, **next(results)}

    monkeypatch.setattr("tito.milestones.runner.run_part", run_part)
    kept = []
    for _ in range(3):
        tito("milestone", "run", "1", "--part", "1", "--json")
        kept.append(json.loads(tito("milestone", "status", "--json").stdout)["results"][0]["n"])
    assert kept == [1, 1, 3]


def test_outside_a_workspace_milestones_are_about_the_reference(tito, curriculum, tmp_path):
    done = tito("milestone", "list", cwd=tmp_path)
    assert done.exit_code == 0
    assert "reference framework" in done.output
    assert "needs" not in done.stdout.lower().replace("needs modules", "")


# -- the set-up ------------------------------------------------------------------------------------


def test_info(tito, workspace):
    facts = json.loads(tito("system", "info", "--json", cwd=workspace.root).stdout)
    assert facts["workspace"] == str(workspace.root)
    assert facts["tinytorch"].startswith("your own build")
    assert "tinytorch" in tito("system", "info").output


def findings(tito, **settings) -> dict[str, dict]:
    done = tito("system", "doctor", "--json", **settings)
    data = json.loads(done.stdout)
    assert done.exit_code == (1 if data["problems"] else 0)
    assert data["problems"] == sum(f["state"] == "problem" for f in data["findings"])
    assert all(f["fix"] for f in data["findings"] if f["state"] != "ok")
    return {f["subject"]: f for f in data["findings"]}


@pytest.fixture
def reference(curriculum, monkeypatch):
    """A reference package that is installed."""
    site = curriculum.root / "site-packages"
    write_reference(site, curriculum)
    monkeypatch.setenv("PYTHONPATH", str(site))


def test_doctor_finds_a_sound_workspace_sound(tito, workspace, reference):
    found = findings(tito, cwd=workspace.modules_dir)
    states = {name: f["state"] for name, f in found.items()}
    assert states.pop("JupyterLab") in ("ok", "note")
    assert set(states.values()) == {"ok"}
    assert {"Python", "NumPy", "import tinytorch", "progress", "notebooks"} <= set(states)


def damage_progress(workspace):
    workspace.progress_path.write_text("{", encoding="utf-8")
    return "progress", "tito module status"


def damage_notebook(workspace):
    workspace.notebook(workspace.curriculum.module(2)).write_text("{", encoding="utf-8")
    return "notebook 02", "tito module reset"


def remove_notebook(workspace):
    workspace.notebook(workspace.curriculum.module(2)).unlink()
    return "notebook 02", "tito setup"


def remove_package(workspace):
    (workspace.package_dir / "__init__.py").unlink()
    return "import tinytorch", "tito setup"


def lose_export(workspace):
    (workspace.package_dir / "core" / "number.py").unlink()
    return "package", "tito export 01"


@pytest.mark.parametrize(
    "damage", [damage_progress, damage_notebook, remove_notebook, remove_package, lose_export]
)
def test_doctor_finds_trouble_and_names_the_remedy(tito, workspace, damage):
    finish(tito, workspace, 1)
    subject, remedy = damage(workspace)
    found = findings(tito, cwd=workspace.root)
    assert found[subject]["state"] == "problem"
    assert remedy in found[subject]["fix"]
    text = tito("system", "doctor").output
    assert "to mend" in text and subject in text


def test_doctor_outside_a_workspace(tito, curriculum, tmp_path):
    assert findings(tito, cwd=tmp_path)["workspace"]["state"] == "note"


def test_doctor_misses_the_installed_tinytorch(tito, workspace, tmp_path, monkeypatch):
    """Without it, only the workspace's top folder could import the learner's package."""
    venv.create(tmp_path / "bare", with_pip=False)
    scripts = "Scripts" if os.name == "nt" else "bin"
    monkeypatch.setattr(sys, "executable", str(tmp_path / "bare" / scripts / "python"))
    found = findings(tito, cwd=workspace.modules_dir)["import tinytorch"]
    assert found["state"] == "problem"
    assert "No module named 'tinytorch'" in found["text"]


def test_doctor_only_looks(tito, workspace):
    workspace.progress_path.write_text("{", encoding="utf-8")
    before = sorted(workspace.root.rglob("*"))
    tito("system", "doctor", cwd=workspace.root)
    assert workspace.progress_path.read_text(encoding="utf-8") == "{"
    assert [p for p in sorted(workspace.root.rglob("*")) if "__pycache__" not in p.parts] == before
