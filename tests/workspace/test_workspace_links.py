"""Links in a workspace lead nowhere: what lies outside is neither read as work nor written."""

from __future__ import annotations

from pathlib import Path

import pytest

from tito.errors import TitoError
from tito.package.writer import reference_sources, write_package
from tito.workspace.completion import export_work
from tito.workspace.progress import Progress
from tito.workspace.reset import reset_work
from tito.workspace.work import read_work


@pytest.fixture
def outside(tmp_path) -> Path:
    """A folder that is not the learner's."""
    folder = tmp_path / "outside"
    folder.mkdir()
    return folder


def move_out(path: Path, outside: Path) -> Path:
    """Move a file or folder outside and put a link in its place; return where it is now."""
    moved = path.rename(outside / path.name)
    path.symlink_to(moved, target_is_directory=moved.is_dir())
    return moved


def content(folder: Path) -> dict[str, bytes]:
    files = (path for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): path.read_bytes() for path in files}


def test_the_package_is_not_written_elsewhere(workspace, outside):
    move_out(workspace.package_dir / "core", outside)
    before = content(outside)
    curriculum = workspace.curriculum
    with pytest.raises(TitoError, match="core is a link to another place"):
        write_package(workspace.root, curriculum, reference_sources(curriculum))
    with pytest.raises(TitoError, match="core is a link to another place"):
        export_work(workspace, read_work(workspace, curriculum.module(1)))
    assert content(outside) == before


@pytest.mark.parametrize("level", ["notebook", "folder", "modules"])
def test_anothers_notebook_is_not_own_work(workspace, outside, level):
    module = workspace.curriculum.module(1)
    notebook = workspace.notebook(module)
    place = {"notebook": notebook, "folder": notebook.parent, "modules": workspace.modules_dir}
    move_out(place[level], outside)
    before = content(outside)
    with pytest.raises(TitoError, match="is a link to another place"):
        read_work(workspace, module)
    with pytest.raises(TitoError, match="is a link to another place"):
        reset_work(workspace, module)
    assert content(outside) == before


def test_anothers_progress_is_neither_read_nor_kept_as_a_backup(workspace, outside):
    move_out(workspace.progress_path, outside)
    with pytest.raises(TitoError, match="is a link to another place"):
        Progress.load(workspace)
    with pytest.raises(TitoError, match="is a link to another place"):
        workspace.backup(workspace.progress_path)
    assert not workspace.backups_dir.exists()


def test_the_workspace_itself_may_be_reached_by_a_link(workspace, tmp_path):
    link = tmp_path / "here"
    link.symlink_to(workspace.root, target_is_directory=True)
    here = type(workspace)(link, workspace.curriculum)
    assert read_work(here, workspace.curriculum.module(1)).cells
    with_backup = reset_work(here, workspace.curriculum.module(1))
    assert all(copy.is_file() for copy in with_backup.kept.values())
