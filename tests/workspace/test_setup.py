"""`tito setup`: makes a workspace, mends one, and never replaces anything."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from planted import write

from tito.errors import TitoError
from tito.workspace.layout import Workspace
from tito.workspace.setup import create, default_folder


def listing(root: Path) -> list[str]:
    return sorted(p.relative_to(root).as_posix() for p in root.rglob("*") if p.is_file())


def test_what_a_new_workspace_holds(workspace):
    names = listing(workspace.root)
    assert "modules/01_number/01_number.ipynb" in names
    assert "modules/02_sums/02_sums.ipynb" in names
    assert not [name for name in names if "03_later" in name]
    assert "milestones/01_1900_counting/01_fingers.py" in names
    assert "datasets/tiny/tiny.txt" in names
    assert not [name for name in names if "huge.bin" in name]
    assert {"README.md", ".tinytorch/progress.json", "tinytorch/__init__.py"} <= set(names)
    assert workspace.sources() == {}
    progress = json.loads(workspace.progress_path.read_text(encoding="utf-8"))
    assert progress["modules"] == {}


def test_notebooks_hold_no_solution(workspace, curriculum):
    text = (workspace.modules_dir / "01_number" / "01_number.ipynb").read_text(encoding="utf-8")
    assert "return 2 * x" not in text
    assert "Exercise number_double" in text
    assert "is not solved yet" in text


def test_second_run_changes_nothing(workspace):
    before = {p: p.stat().st_mtime_ns for p in workspace.root.rglob("*") if p.is_file()}
    again = create(workspace.root, workspace.curriculum)
    assert not again.is_new
    assert again.added == []
    after = {p: p.stat().st_mtime_ns for p in workspace.root.rglob("*") if p.is_file()}
    assert before == after


def test_second_run_adds_what_is_missing_and_keeps_the_learners(workspace):
    notebook = workspace.modules_dir / "01_number" / "01_number.ipynb"
    notebook.write_text("mine, broken as it is", encoding="utf-8")
    script = workspace.root / "milestones" / "01_1900_counting" / "01_fingers.py"
    script.write_text("print('my own version')", encoding="utf-8")
    (workspace.modules_dir / "02_sums" / "02_sums.ipynb").unlink()
    (workspace.package_dir / "core" / "number.py").unlink()
    again = create(workspace.root, workspace.curriculum)
    assert notebook.read_text(encoding="utf-8") == "mine, broken as it is"
    assert script.read_text(encoding="utf-8") == "print('my own version')"
    assert {workspace.display_path(path) for path in again.added} == {
        os.path.join("modules", "02_sums", "02_sums.ipynb"),
        os.path.join("tinytorch", "core", "number.py"),
    }
    assert again.kept == [script]


def test_a_py_file_counts_as_the_modules_file(workspace):
    folder = workspace.modules_dir / "01_number"
    (folder / "01_number.ipynb").rename(folder / "01_number.py")
    assert create(workspace.root, workspace.curriculum).added == []


def test_lost_package_is_rebuilt_with_what_was_exported(workspace):
    write(workspace.package_dir / "core" / "number.py", "# Built by tito from x\nMINE = 1\n")
    (workspace.package_dir / "__init__.py").unlink()
    create(workspace.root, workspace.curriculum)
    assert "MINE = 1" in (workspace.package_dir / "core" / "number.py").read_text(encoding="utf-8")
    init = (workspace.package_dir / "core" / "__init__.py").read_text(encoding="utf-8")
    assert "from tinytorch.core.number import Number" in init


def test_a_file_in_the_way(curriculum, tmp_path):
    (tmp_path / "taken").write_text("a file", encoding="utf-8")
    with pytest.raises(TitoError, match="is a file"):
        create(tmp_path / "taken", curriculum)
    with pytest.raises(TitoError, match="Cannot make the folder"):
        create(tmp_path / "taken" / "below", curriculum)


def test_refuses_the_source_checkout(curriculum):
    with pytest.raises(TitoError, match="TinyTorch's own source"):
        create(curriculum.root, curriculum)


def test_refuses_a_foreign_package(curriculum, tmp_path):
    write(tmp_path / "other" / "tinytorch" / "__init__.py", "print('somebody else')\n")
    with pytest.raises(TitoError, match="not made by tito"):
        create(tmp_path / "other", curriculum)
    assert listing(tmp_path / "other") == ["tinytorch/__init__.py"]


def test_unwritable_folder(curriculum, tmp_path, monkeypatch):
    monkeypatch.setattr("tito.workspace.setup.writable", lambda folder: False)
    with pytest.raises(TitoError, match="cannot be written"):
        create(tmp_path / "readonly", curriculum)


def test_half_made_workspace_is_finished_by_the_next_run(curriculum, tmp_path, monkeypatch):
    def full(*args, **kwargs):
        raise TitoError("Cannot write: no space left on device.")

    with monkeypatch.context() as patch:
        patch.setattr("tito.workspace.setup.write_package", full)
        with pytest.raises(TitoError, match="no space"):
            create(tmp_path / "work", curriculum)
    monkeypatch.chdir(tmp_path / "work" / "modules")
    assert default_folder() == tmp_path / "work"  # half-made, yet known as what it is
    finished = create(default_folder(), curriculum)
    assert finished.workspace.package_dir / "__init__.py" in finished.added
    assert finished.workspace.sources() == {}
    assert create(default_folder(), curriculum).added == []


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ([], "."),
        ([".venv/pyvenv.cfg", "env/pyvenv.cfg"], "."),
        (["notes.txt"], "tinytorch-workspace"),
    ],
)
def test_where_setup_works_without_a_folder(curriculum, tmp_path, monkeypatch, content, expected):
    here = tmp_path / "project"
    here.mkdir()
    for name in content:
        write(here / name, "")
    monkeypatch.chdir(here)
    assert default_folder() == here / expected


def test_setup_inside_a_workspace_means_that_workspace(workspace, monkeypatch):
    monkeypatch.chdir(workspace.modules_dir / "01_number")
    assert default_folder() == workspace.root


def test_find_goes_upward_and_says_what_to_do(workspace, curriculum, tmp_path, monkeypatch):
    assert Workspace.find(curriculum, workspace.modules_dir / "01_number").root == workspace.root
    with pytest.raises(TitoError) as none:
        Workspace.find(curriculum, tmp_path)
    assert "tito setup" in none.value.fix
    monkeypatch.chdir(tmp_path)
    workspace.root.rename(tmp_path / "tinytorch-workspace")
    with pytest.raises(TitoError) as below:
        Workspace.find(curriculum)
    assert "cd tinytorch-workspace" in below.value.fix
