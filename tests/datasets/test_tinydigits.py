"""TinyDigits: what the loader promises, and what it says of a damaged file."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from pathlib import Path

import numpy as np
import pytest

from datasets import DatasetError
from datasets.tinydigits import FILE, SHAPES, load_tinydigits

MOST_BYTES = 310_000


def test_shapes_types_and_range():
    train_x, train_y, test_x, test_y = load_tinydigits()
    assert (train_x.shape, train_y.shape) == ((1000, 8, 8), (1000,))
    assert (test_x.shape, test_y.shape) == ((200, 8, 8), (200,))
    for images in (train_x, test_x):
        assert images.dtype == np.float32
        assert (images.min(), images.max()) == (0.0, 1.0)
    assert np.issubdtype(train_y.dtype, np.integer) and np.issubdtype(test_y.dtype, np.integer)


def test_every_digit_is_there_equally_often():
    _, train_y, _, test_y = load_tinydigits()
    assert np.bincount(train_y).tolist() == [100] * 10
    assert np.bincount(test_y).tolist() == [20] * 10


def test_neighbours_are_of_mixed_classes():
    """Sorted labels would make every mini-batch one digit for whoever forgets to shuffle."""
    _, train_y, _, _ = load_tinydigits()
    assert all(len(set(batch)) >= 5 for batch in train_y.reshape(-1, 40).tolist())


def test_training_and_test_images_are_disjoint():
    train_x, _, test_x, _ = load_tinydigits()
    seen = {image.tobytes() for image in train_x}
    assert len(seen) == len(train_x)
    assert not any(image.tobytes() in seen for image in test_x)


def test_each_call_returns_fresh_equal_arrays():
    first, second = load_tinydigits(), load_tinydigits()
    first[0][:] = 7
    assert second[0].max() == 1.0
    assert all(np.array_equal(a, b) for a, b in zip(first[1:], second[1:], strict=True))


def test_labels_belong_to_their_images():
    """Nearest class mean: with the right labels it reads most test digits, else one in ten."""
    train_x, train_y, test_x, test_y = load_tinydigits()
    means = np.stack([train_x[train_y == digit].mean(axis=0) for digit in range(10)])
    distance = ((test_x[:, None] - means) ** 2).sum(axis=(2, 3))
    assert np.mean(distance.argmin(axis=1) == test_y) > 0.85


def test_file_is_small_and_holds_no_pickle():
    assert FILE.stat().st_size <= MOST_BYTES
    with np.load(FILE, allow_pickle=False) as archive:
        assert {name: archive[name].dtype for name in archive} == dict.fromkeys(SHAPES, np.uint8)


def test_generator_makes_the_shipped_file_byte_for_byte(tmp_path: Path):
    made = tmp_path / "made.npz"
    script = FILE.with_name("make_tinydigits.py")
    subprocess.run([sys.executable, script, made], check=True, capture_output=True)
    assert made.read_bytes() == FILE.read_bytes()


def arrays(**changes: np.ndarray) -> dict[str, np.ndarray]:
    return {name: np.zeros(shape, np.uint8) for name, shape in SHAPES.items()} | changes


def flipped(content: bytes, where: int) -> bytes:
    return content[:where] + bytes([content[where] ^ 1]) + content[where + 1 :]


DAMAGE = {
    "empty": lambda path: path.write_bytes(b""),
    "truncated": lambda path: path.write_bytes(FILE.read_bytes()[:40_000]),
    "one bit flipped": lambda path: path.write_bytes(flipped(FILE.read_bytes(), 20_000)),
    "a text": lambda path: path.write_text("version https://git-lfs.github.com\n", "utf-8"),
    "an array": lambda path: np.save(path.open("wb"), np.zeros(3)),
    "other arrays": lambda path: np.savez(path, images=np.zeros(3)),
    "another shape": lambda path: np.savez(path, **arrays(X_test=np.zeros((9, 8, 8), np.uint8))),
    "another type": lambda path: np.savez(path, **arrays(y_test=np.zeros(200))),
    "impossible label": lambda path: np.savez(path, **arrays(y_test=np.full(200, 10, np.uint8))),
    "a pickle": lambda path: np.savez(path, **arrays(y_train=np.array([{}] * 1000, object))),
    "a bare zip": lambda path: zipfile.ZipFile(path, "w").close(),
}


@pytest.mark.parametrize("kind", DAMAGE)
def test_damaged_file_is_named_with_what_to_do(tmp_path: Path, kind: str):
    path = tmp_path / "tinydigits.npz"
    DAMAGE[kind](path)
    with pytest.raises(DatasetError) as caught:
        load_tinydigits(path)
    message = str(caught.value)
    assert str(path) in message and "is damaged" in message
    assert "tito setup" in message and "make_tinydigits.py" in message


def test_missing_file_is_named_with_what_to_do(tmp_path: Path):
    with pytest.raises(DatasetError, match=r"is missing(?s:.*)tito setup"):
        load_tinydigits(tmp_path / "nowhere.npz")
