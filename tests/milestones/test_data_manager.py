"""Fetching: cache, resume, mirrors, damage, and the message when nothing helps."""

from __future__ import annotations

import errno
import io
import os
from pathlib import Path

import numpy as np
import pytest

from datasets import DatasetError
from milestones import fetch
from milestones.data_manager import CACHE, MNIST, MNIST_SHA256, load_mnist


@pytest.fixture
def cache(tmp_path: Path) -> Path:
    return tmp_path / "cache"


@pytest.fixture
def served(server, made):
    """The made data set, all of it on the server."""
    for name, content in made.contents.items():
        server.serve(name, content)
    return made


def load(made, cache: Path, *mirrors):
    return load_mnist(made.source(*mirrors), made.checksums, cache)


def listing(folder: Path) -> dict[str, bytes]:
    return {str(p.relative_to(folder)): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


def put(folder: Path, files: dict[str, bytes]) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in files.items():
        (folder / name).write_bytes(content)
    return folder


def test_fetches_into_the_cache_and_returns_scaled_arrays(server, served, cache):
    train_x, train_y, test_x, test_y = load(served, cache, server.url)
    expected = list(served.arrays.values())
    np.testing.assert_allclose(train_x, expected[0] / 255, rtol=1e-6)
    np.testing.assert_allclose(test_x, expected[2] / 255, rtol=1e-6)
    assert train_x.dtype == np.float32 and train_y.dtype == np.int64
    assert (train_y.tolist(), test_y.tolist()) == (expected[1].tolist(), expected[3].tolist())
    assert listing(cache / "mnist") == served.contents


def test_second_load_asks_nobody(server, served, cache):
    load(served, cache, server.url)
    asked = len(server.requests)
    load(served, cache, server.url)
    assert len(server.requests) == asked == 4


def test_folder_of_yours_is_used_in_place(server, served, cache, tmp_path, monkeypatch):
    own = put(tmp_path / "own" / "mnist", served.contents)
    own.chmod(0o555)
    monkeypatch.setenv("TINYTORCH_DATA_DIR", str(tmp_path / "own"))
    load(served, cache, server.url)
    assert listing(own) == served.contents
    assert not cache.exists() and not server.requests


def test_folder_of_yours_may_be_a_file_url(made, cache, tmp_path, monkeypatch):
    put(tmp_path / "my data" / "mnist", made.contents)
    monkeypatch.setenv("TINYTORCH_DATA_DIR", (tmp_path / "my data").as_uri())
    load(made, cache)
    assert not cache.exists()


def test_mirror_may_be_a_file_url(made, cache, tmp_path):
    mirror = put(tmp_path / "mirror", made.contents)
    load(made, cache, lambda name: (mirror / name).as_uri())
    assert listing(cache / "mnist") == made.contents


def test_download_goes_on_where_it_stopped(server, served, cache):
    name = "train-images.gz"
    put(cache / "mnist", {f"{name}.part": served.contents[name][:50]})
    load(served, cache, server.url)
    assert server.requests[0] == (f"/{name}", "bytes=50-")
    assert listing(cache / "mnist") == served.contents


def test_broken_connection_is_taken_up_again_at_once(server, served, cache):
    name = "train-images.gz"
    server.serve(name, served.contents[name], cuts=[30, 20])
    load(served, cache, server.url)
    assert [wanted for _, wanted in server.requests[:3]] == [None, "bytes=30-", "bytes=50-"]
    assert listing(cache / "mnist") == served.contents


def test_other_mirror_goes_on_where_the_first_broke_off(server, served, cache):
    name = "train-images.gz"
    server.serve(f"dead/{name}", served.contents[name], cuts=[30, 0, 0, 0])
    load(served, cache, lambda path: server.url(f"dead/{path}"), server.url)
    assert (f"/{name}", "bytes=30-") in server.requests
    assert listing(cache / "mnist") == served.contents


def test_server_without_ranges_sends_the_whole_file(server, served, cache):
    name = "train-images.gz"
    server.serve(name, served.contents[name], ranges=False, says_length=False)
    put(cache / "mnist", {f"{name}.part": b"x" * 30})
    load(served, cache, server.url)
    assert listing(cache / "mnist") == served.contents


def test_complete_part_needs_no_more_bytes(server, served, cache):
    name = "train-images.gz"
    put(cache / "mnist", {f"{name}.part": served.contents[name]})
    load(served, cache, server.url)
    assert listing(cache / "mnist") == served.contents


@pytest.mark.parametrize("part", [b"x" * 30, b"x" * 5000], ids=["wrong bytes", "too many bytes"])
def test_wrong_part_is_thrown_away_and_fetched_anew(server, served, cache, part):
    name = "train-images.gz"
    put(cache / "mnist", {f"{name}.part": part})
    load(served, cache, server.url)
    assert server.requests[1] == (f"/{name}", None)
    assert listing(cache / "mnist") == served.contents


def test_interrupted_by_hand_keeps_what_has_come(server, served, cache, monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr(fetch, "CHUNK", 16)
        patch.setattr(fetch.Live, "update", _interrupt_at(40))
        with pytest.raises(KeyboardInterrupt):
            load(served, cache, server.url)
    part = cache / "mnist" / "train-images.gz.part"
    assert part.read_bytes() == served.contents["train-images.gz"][:48]
    load(served, cache, server.url)
    assert server.requests[1] == ("/train-images.gz", "bytes=48-")


def test_full_disk_keeps_what_has_come(server, served, cache, monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr(fetch, "CHUNK", 16)
        patch.setattr(fetch, "open", disk_with_room(48), raising=False)
        with pytest.raises(DatasetError, match="No space left on device"):
            load(served, cache, server.url)
    part = cache / "mnist" / "train-images.gz.part"
    assert part.read_bytes() == served.contents["train-images.gz"][:48]
    asked = len(server.requests)
    load(served, cache, server.url)
    assert server.requests[asked] == ("/train-images.gz", "bytes=48-")


def disk_with_room(room: int):
    """An `open` for a disk on which a file can hold no more than `room` bytes."""

    class File(io.FileIO):
        def write(self, content) -> int:
            if self.tell() + len(content) > room:
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            return super().write(content)

    return File


def _interrupt_at(least: int):
    def update(self, label, done, total, text=""):
        if done >= least:
            raise KeyboardInterrupt

    return update


@pytest.mark.parametrize(
    "trouble",
    [{"status": 404}, {"status": 503}, {"content": b"<html>Log in first</html>"}, {"silent": True}],
    ids=["not there", "server error", "another file", "no answer"],
)
def test_next_mirror_is_tried(server, served, cache, monkeypatch, trouble):
    monkeypatch.setattr(fetch, "TIMEOUT", 0.3)
    for name in served.contents:
        server.serve(f"bad/{name}", **({"content": b""} | trouble))
    load(served, cache, lambda name: server.url(f"bad/{name}"), server.url)
    assert listing(cache / "mnist") == served.contents


@pytest.mark.parametrize("says_length", [True, False])
def test_endless_file_is_refused(server, served, cache, says_length):
    server.serve("train-images.gz", b"x" * 100_000, says_length=says_length)
    with pytest.raises(DatasetError, match=r"at most 2,000|2,000 bytes that the file has at most"):
        load(served, cache, server.url)
    assert listing(cache) == {}


def test_damaged_cache_is_replaced(server, served, cache):
    put(cache / "mnist", {name: content[:-1] for name, content in served.contents.items()})
    load(served, cache, server.url)
    assert listing(cache / "mnist") == served.contents


def test_damaged_folder_of_yours_is_passed_over_and_left_alone(
    server, served, cache, tmp_path, monkeypatch
):
    damaged = {name: b"damaged" for name in served.contents}
    own = put(tmp_path / "own" / "mnist", damaged)
    monkeypatch.setenv("TINYTORCH_DATA_DIR", str(tmp_path / "own"))
    load(served, cache, server.url)
    assert listing(own) == damaged
    assert listing(cache / "mnist") == served.contents


def test_message_says_what_is_missing_and_where_to_put_it(
    server, made, cache, tmp_path, monkeypatch
):
    own = put(tmp_path / "own" / "mnist", {"train-images.gz": b"damaged"}).parent
    monkeypatch.setenv("TINYTORCH_DATA_DIR", str(own))
    with pytest.raises(DatasetError) as caught:
        load(made, cache, server.url)
    message = str(caught.value)
    assert "Made Up cannot be loaded: there is no good copy of train-images.gz." in message
    assert f"{own / 'mnist' / 'train-images.gz'}: damaged (7 bytes; its SHA-256 is" in message
    assert f"{cache / 'mnist' / 'train-images.gz'}: not there" in message
    assert f"{server.url('train-images.gz')}: the server answers 404" in message
    assert all(server.url(name) in message for name in made.contents)
    assert f"put it into {cache / 'mnist'}\n" in message
    assert "set the environment variable TINYTORCH_DATA_DIR to DIR" in message


def test_failed_download_leaves_a_damaged_file_for_inspection(server, made, cache):
    put(cache / "mnist", {"train-images.gz": b"damaged"})
    with pytest.raises(DatasetError, match="damaged"):
        load(made, cache, server.url)
    assert listing(cache / "mnist") == {"train-images.gz": b"damaged"}


def test_folder_that_does_not_exist_is_named(made, cache, tmp_path, monkeypatch):
    monkeypatch.setenv("TINYTORCH_DATA_DIR", str(tmp_path / "typo"))
    with pytest.raises(DatasetError, match=r"TINYTORCH_DATA_DIR=.*typo: not a folder"):
        load(made, cache)


def test_unreachable_server_is_a_message(made, cache):
    with pytest.raises(DatasetError, match=r"no connection \(.*refused"):
        load(made, cache, lambda name: f"http://127.0.0.1:9/{name}")


def test_cache_that_cannot_be_made_is_a_message(server, served, tmp_path):
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(DatasetError, match="mnist"):
        load(served, tmp_path / "file", server.url)


def test_right_checksum_of_the_wrong_format_is_a_message(server, made, cache):
    made.contents["train-images.gz"] = b"not gzip"
    server.serve("train-images.gz", b"not gzip")
    with pytest.raises(DatasetError, match="not a file of images or labels"):
        load(made, cache, server.url)


def test_real_tables_are_complete():
    assert [file.name for file in MNIST.files] == list(MNIST_SHA256)
    assert all(len(file.urls) >= 2 and file.name in file.urls[0] for file in MNIST.files)
    assert Path(fetch.__file__).parent / "datasets" == CACHE


def test_plain_progress_line_on_stderr(server, served, cache, capsys):
    load(served, cache, server.url)
    shown = capsys.readouterr()
    assert "fetching train-images.gz  0.0 of 0.0 MB" in shown.err
    assert shown.out == "" and "\x1b" not in shown.err
