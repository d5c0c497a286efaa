"""TinyDigits: 1,200 handwritten digits of 8 x 8 pixels, small enough to train on in seconds.

    from datasets.tinydigits import load_tinydigits
    X_train, y_train, X_test, y_test = load_tinydigits()

Where they come from and how the file was made: README.md beside this file.
"""

import zipfile
from pathlib import Path

import numpy as np

from datasets import DatasetError

FILE = Path(__file__).with_name("tinydigits.npz")
BRIGHTEST = 16  # the file holds whole numbers from 0 (paper) to 16 (ink)
SHAPES = {"X_train": (1000, 8, 8), "y_train": (1000,), "X_test": (200, 8, 8), "y_test": (200,)}


def load_tinydigits(path=FILE):
    """Return `X_train, y_train, X_test, y_test`.

    Images are float32 arrays of shape (N, 8, 8) with values in [0, 1], 0 = paper, 1 = ink;
    labels are int64 arrays of shape (N,) with values 0..9. Training set: 1,000 images, 100 of
    each digit; test set: 200 images, 20 of each. The same arrays in the same order every time.

    Raises:
        DatasetError: the file is missing or damaged; the message says how to get it back.
    """
    arrays = _read(Path(path))
    images = {name: arrays[name] / np.float32(BRIGHTEST) for name in ("X_train", "X_test")}
    labels = {name: arrays[name].astype(np.int64) for name in ("y_train", "y_test")}
    return images["X_train"], labels["y_train"], images["X_test"], labels["y_test"]


def _read(path):
    """The four uint8 arrays of the file, checked. Nothing in it is ever executed (no pickle)."""
    try:
        with np.load(path, allow_pickle=False) as archive:
            arrays = {name: archive[name] for name in SHAPES}
    except FileNotFoundError:
        raise DatasetError(_advice(path, "is missing")) from None
    except (OSError, ValueError, KeyError, TypeError, EOFError, zipfile.BadZipFile) as error:
        raise DatasetError(_advice(path, f"is damaged ({error})")) from error
    for name, shape in SHAPES.items():
        _check(path, name, arrays[name], shape)
    return arrays


def _check(path, name, array, shape):
    if array.shape != shape or array.dtype != np.uint8:
        came = f"{name} has shape {array.shape} and type {array.dtype}, not {shape} and uint8"
        raise DatasetError(_advice(path, f"is damaged ({came})"))
    limit = BRIGHTEST if array.ndim == 3 else 9
    if array.max() > limit:
        came = f"{name} goes up to {array.max()}, not to {limit}"
        raise DatasetError(_advice(path, f"is damaged ({came})"))


def _advice(path, trouble):
    return (
        f"The TinyDigits file {path} {trouble}.\n"
        "Get it back:\n"
        "    in a learner's workspace: delete the file if it is there, then `tito setup`\n"
        f"    in a clone of TinyTorch: `git checkout -- datasets/tinydigits/{path.name}`\n"
        "    or make it again: `pip install scikit-learn`, then "
        "`python datasets/tinydigits/make_tinydigits.py`"
    )
