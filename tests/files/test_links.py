"""Work is read and written inside its own folder: a symbolic link leads nowhere else."""

from __future__ import annotations

from pathlib import Path

import pytest

from tito.errors import TitoError
from tito.files import backup, read_bytes, read_text, refuse_links, write_atomic


@pytest.fixture
def places(tmp_path) -> tuple[Path, Path]:
    """A workspace, and a folder outside of it with a secret; skipped where links need rights."""
    root, outside = tmp_path / "root", tmp_path / "outside"
    (root / "core").mkdir(parents=True)
    outside.mkdir()
    (outside / "secret.txt").write_text("theirs")
    try:
        (tmp_path / "probe").symlink_to(outside)
    except OSError:
        pytest.skip("symbolic links cannot be made here")
    return root, outside


def linked_file(root: Path, outside: Path) -> Path:
    (root / "core" / "work.txt").symlink_to(outside / "secret.txt")
    return root / "core" / "work.txt"


def linked_folder(root: Path, outside: Path) -> Path:
    (root / "core").rmdir()
    (root / "core").symlink_to(outside, target_is_directory=True)
    return root / "core" / "secret.txt"


def linked_to_nothing(root: Path, outside: Path) -> Path:
    (root / "core" / "work.txt").symlink_to(outside / "not there")
    return root / "core" / "work.txt"


def linked_to_itself(root: Path, outside: Path) -> Path:
    (root / "core" / "work.txt").symlink_to(root / "core" / "work.txt")
    return root / "core" / "work.txt"


LINKS = [linked_file, linked_folder, linked_to_nothing, linked_to_itself]


def content(outside: Path) -> dict[str, str]:
    return {path.name: path.read_text() for path in outside.iterdir()}


@pytest.mark.parametrize("link", LINKS)
def test_no_link_is_followed(places, link):
    root, outside = places
    path = link(root, outside)
    for action in (
        lambda: write_atomic(path, "mine", inside=root),
        lambda: read_bytes(path, inside=root),
        lambda: read_text(path, inside=root),
        lambda: backup(path, root / "backups", inside=root),
    ):
        with pytest.raises(TitoError, match="is a link to another place") as refused:
            action()
        assert "Replace the link by a real file or folder" in refused.value.fix
        assert str(root / "core") in refused.value.message
    assert content(outside) == {"secret.txt": "theirs"}
    assert not (root / "backups").exists()


def test_backups_do_not_go_elsewhere(places):
    root, outside = places
    (root / "work.txt").write_text("mine")
    (root / "backups").symlink_to(outside, target_is_directory=True)
    with pytest.raises(TitoError, match="is a link to another place"):
        backup(root / "work.txt", root / "backups", inside=root)
    assert content(outside) == {"secret.txt": "theirs"}


def test_without_a_folder_named_the_file_itself_is_no_link(places):
    root, outside = places
    path = linked_file(root, outside)
    for action in (lambda: write_atomic(path, "mine"), lambda: backup(path, root / "backups")):
        with pytest.raises(TitoError, match="is a link to another place"):
            action()
    assert path.is_symlink()  # and was not replaced either
    assert content(outside) == {"secret.txt": "theirs"}


def test_the_folder_itself_may_be_a_link(places):
    root, _ = places
    here = root.with_name("here")
    here.symlink_to(root, target_is_directory=True)
    write_atomic(here / "core" / "work.txt", "mine", inside=here)
    assert read_text(here / "core" / "work.txt", inside=here) == "mine"
    assert read_text(backup(here / "core" / "work.txt", here / "b", inside=here)) == "mine"


@pytest.mark.parametrize("path", ["../outside/secret.txt", "core/../../outside/secret.txt"])
def test_paths_that_lead_out_are_a_fault_of_the_caller(places, path):
    root, _ = places
    with pytest.raises(ValueError, match="leads out of"):
        refuse_links(root / path, root)
