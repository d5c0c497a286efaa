"""CIFAR-10: the archive is read by name into memory, and its pickles cannot run anything."""

from __future__ import annotations

import hashlib
import io
import os
import pickle
import struct
import tarfile
from pathlib import Path

import numpy as np
import pytest

from datasets import DatasetError
from milestones import data_manager, plain_pickle
from milestones.data_manager import CIFAR10, CIFAR10_CLASSES, CIFAR10_SHA256, load_cifar10
from milestones.fetch import Published, Source

BATCHES = [f"data_batch_{number}" for number in range(1, 6)] + ["test_batch"]
IMAGES_EACH = 2


def batch_arrays(number: int) -> tuple[np.ndarray, list[int]]:
    random = np.random.RandomState(number)
    return random.randint(0, 256, (IMAGES_EACH, 3072)).astype(np.uint8), [number, 9 - number]


def batch(number: int) -> bytes:
    """A batch as Python 3 pickles it."""
    images, labels = batch_arrays(number)
    table = {b"data": images, b"labels": labels, b"filenames": [b"a.png"] * IMAGES_EACH}
    return pickle.dumps(table, protocol=4)


def python2_batch(number: int) -> bytes:
    """The same batch as Python 2 wrote it: byte strings, and NumPy's old module names."""
    images, labels = batch_arrays(number)

    def text(value: bytes) -> bytes:
        return b"T" + struct.pack("<i", len(value)) + value

    shape = b"".join(b"M" + struct.pack("<H", length) for length in images.shape)
    dtype = b"cnumpy\ndtype\n(" + text(b"u1") + b"K\x00K\x01tR"
    dtype += b"(K\x03" + text(b"|") + b"NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\x00tb"
    array = b"cnumpy.core.multiarray\n_reconstruct\n(cnumpy\nndarray\n(K\x00t" + text(b"b") + b"tR"
    array += b"(K\x01(" + shape + b"t" + dtype + b"\x89" + text(images.tobytes()) + b"tb"
    numbers = b"](" + b"".join(b"K" + bytes([label]) for label in labels) + b"e"
    return b"\x80\x02}(" + text(b"data") + array + text(b"labels") + numbers + b"u."


def pack(members: dict[str, bytes], extra: tuple[tarfile.TarInfo, ...] = ()) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as archive:
        for entry in extra:
            archive.addfile(entry)
        for name, content in members.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(content)
            archive.addfile(entry, io.BytesIO(content))
    return buffer.getvalue()


def members(make=batch) -> dict[str, bytes]:
    return {f"cifar-10-batches-py/{n}": make(i) for i, n in enumerate(BATCHES)}


def checksums(contents: dict[str, bytes]) -> dict[str, str]:
    return {Path(n).name: hashlib.sha256(c).hexdigest() for n, c in contents.items()}


@pytest.fixture
def home(tmp_path: Path) -> Path:
    (tmp_path / "cifar-10").mkdir()
    return tmp_path


def load(home: Path, archive: bytes, expected: dict[str, str], **how):
    (home / "cifar-10" / "made.tar.gz").write_bytes(archive)
    source = Source("CIFAR-10", "cifar-10", (Published("made.tar.gz", 10**6, ()),))
    return load_cifar10(source, expected, home, **how)


@pytest.mark.parametrize("make", [batch, python2_batch])
def test_images_and_labels_come_in_order(home, make):
    contents = members(make)
    shuffled = dict(reversed(contents.items()))  # the order inside the archive does not matter
    train_x, train_y, test_x, test_y = load(home, pack(shuffled), checksums(contents))
    assert (train_x.shape, test_x.shape) == ((10, 3, 32, 32), (2, 3, 32, 32))
    assert (train_x.dtype, train_y.dtype) == (np.float32, np.int64)
    assert train_y.tolist() == [0, 9, 1, 8, 2, 7, 3, 6, 4, 5] and test_y.tolist() == [5, 4]
    second, _ = batch_arrays(1)
    np.testing.assert_allclose(train_x[2], second[0].reshape(3, 32, 32) / 255, rtol=1e-6)


def test_unscaled_images_stay_bytes(home):
    contents = members()
    train_x, _, test_x, _ = load(home, pack(contents), checksums(contents), scaled=False)
    assert train_x.dtype == test_x.dtype == np.uint8
    assert np.array_equal(test_x.reshape(2, -1), batch_arrays(5)[0])


def test_downloads_once(server, tmp_path):
    contents = members()
    url = server.serve("made.tar.gz", pack(contents))
    source = Source("CIFAR-10", "cifar-10", (Published("made.tar.gz", 10**6, (url,)),))
    for _ in range(2):
        load_cifar10(source, checksums(contents), tmp_path)
    assert len(server.requests) == 1
    assert [p.name for p in (tmp_path / "cifar-10").iterdir()] == ["made.tar.gz"]


def test_nothing_is_written_outside_nor_unpacked(home):
    contents = members()
    evil = {"../evil": b"x", str(home / "evil"): b"x", "cifar-10-batches-py/../../evil": b"x"}
    load(home, pack({**evil, **contents}), checksums(contents))
    assert [p.name for p in home.rglob("*") if p.is_file()] == ["made.tar.gz"]
    assert not (home.parent / "evil").exists()


def linked(name: str) -> tarfile.TarInfo:
    entry = tarfile.TarInfo(name)
    entry.type, entry.linkname = tarfile.SYMTYPE, "/etc/passwd"
    return entry


def test_link_in_place_of_a_batch_counts_as_missing(home):
    contents = members()
    expected = checksums(contents)
    del contents["cifar-10-batches-py/test_batch"]
    archive = pack(contents, (linked("cifar-10-batches-py/test_batch"),))
    with pytest.raises(DatasetError, match="the archive lacks test_batch"):
        load(home, archive, expected)


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        (lambda archive: archive[: len(archive) // 2], "not a complete .tar.gz archive"),
        (lambda archive: b"", "not a complete .tar.gz archive"),
        (lambda archive: b"<html>", "not a complete .tar.gz archive"),
        (lambda archive: pack({}), "the archive lacks data_batch_1, data_batch_2"),
        (lambda archive: pack(members(python2_batch)), "damaged .*SHA-256"),
    ],
)
def test_damaged_archive_is_a_message(home, damage, said):
    contents = members()
    with pytest.raises(DatasetError, match=said):
        load(home, damage(pack(contents)), checksums(contents))


def test_member_too_large_to_hold_is_refused_before_it_is_read(home, monkeypatch):
    contents = members()
    monkeypatch.setattr(data_manager, "CIFAR10_MEMBER_LIMIT", 1000)
    with pytest.raises(DatasetError, match=r"data_batch_1 is .* bytes long, which is too much"):
        load(home, pack(contents), checksums(contents))


class Runs:
    """Unpickling this would make a folder."""

    def __init__(self, call, *arguments):
        self.call, self.arguments = call, arguments

    def __reduce__(self):
        return self.call, self.arguments


def test_pickle_that_calls_something_is_refused_even_with_the_right_checksum(home):
    proof = home / "executed"
    for call in (Runs(os.mkdir, str(proof)), Runs(eval, f"__import__('os').mkdir({str(proof)!r})")):
        contents = members() | {"cifar-10-batches-py/test_batch": pickle.dumps({b"data": call})}
        with pytest.raises(DatasetError, match=r"not a batch .*which no image file needs"):
            load(home, pack(contents), checksums(contents))
    assert not proof.exists()


def outside_reference() -> bytes:
    buffer = io.BytesIO()
    writer = pickle.Pickler(buffer)
    writer.persistent_id = lambda value: "x" if value == 1 else None
    writer.dump({"a": 1})
    return buffer.getvalue()


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"not a pickle",
        pickle.dumps([1, 2]),
        pickle.dumps({b"data": np.zeros(3)}),
        pickle.dumps({b"data": np.array([{}], dtype=object)}),
        pickle.dumps({b"data": np.asfortranarray(np.zeros((2, 3), np.uint8))}),
        pickle.dumps({b"data": np.zeros(3, np.uint8)}).replace(b"K\x03\x85", b"K\x04\x85"),
        b"cnumpy\nndarray\n)\x81.",
        outside_reference(),
        batch(0)[:-40],
    ],
)
def test_anything_but_plain_data_is_refused(content):
    with pytest.raises(plain_pickle.Refused):
        plain_pickle.load(io.BytesIO(content))


def test_real_table_is_complete():
    assert list(CIFAR10_SHA256) == BATCHES
    assert len(CIFAR10_CLASSES) == 10 and len(CIFAR10.files[0].urls) >= 2
