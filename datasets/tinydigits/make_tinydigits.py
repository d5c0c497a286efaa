"""Make tinydigits.npz from scikit-learn's copy of the UCI handwritten digits.

For maintainers; learners never need it. Requires scikit-learn, which TinyTorch does not.
Running it again gives the same file, byte for byte:

    python datasets/tinydigits/make_tinydigits.py [target file]
"""

import io
import sys
import zipfile
from pathlib import Path

import numpy as np

TARGET = Path(__file__).with_name("tinydigits.npz")
SEED = 1986
TRAIN_PER_DIGIT, TEST_PER_DIGIT = 100, 20


def choose(labels, random):
    """Pick disjoint, balanced indices: 100 of each digit to train, 20 to test, in mixed order."""
    train, test = [], []
    for digit in range(10):
        found = random.permutation(np.flatnonzero(labels == digit))
        train.extend(found[:TRAIN_PER_DIGIT])
        test.extend(found[TRAIN_PER_DIGIT : TRAIN_PER_DIGIT + TEST_PER_DIGIT])
    return random.permutation(train), random.permutation(test)


def make_arrays():
    """The four uint8 arrays of the data set."""
    from sklearn.datasets import load_digits

    digits = load_digits()
    images, labels = digits.images.astype(np.uint8), digits.target.astype(np.uint8)
    # RandomState's streams are frozen: NumPy promises the same numbers in every version.
    train, test = choose(labels, np.random.RandomState(SEED))
    return {
        "X_train": images[train],
        "y_train": labels[train],
        "X_test": images[test],
        "y_test": labels[test],
    }


def write_npz(path, arrays):
    """Write an uncompressed .npz whose bytes depend on the arrays alone.

    `np.savez` leaves the archive's time stamps and system flags to the Python version at hand,
    and compressed bytes depend on the zlib at hand; here both are fixed.
    """
    with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as archive:
        for name, array in arrays.items():
            buffer = io.BytesIO()
            np.lib.format.write_array(buffer, array, version=(1, 0), allow_pickle=False)
            entry = zipfile.ZipInfo(f"{name}.npy", date_time=(1980, 1, 1, 0, 0, 0))
            entry.create_system, entry.external_attr = 3, 0o644 << 16
            archive.writestr(entry, buffer.getvalue())


def main():
    target = Path(sys.argv[1]) if len(sys.argv) > 1 else TARGET
    write_npz(target, make_arrays())
    print(f"{target}: {target.stat().st_size:,} bytes")


if __name__ == "__main__":
    main()
