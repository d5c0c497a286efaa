"""Read the pickles of CIFAR-10 without the danger of pickles.

A pickle is a program: loading one can call any function it names. This reader knows three names,
those NumPy's arrays need, and answers to them with harmless stand-ins; any other name is an error.
Not even NumPy's own code runs on what a file says.
"""

import pickle

import numpy as np


class Refused(Exception):
    """The pickle holds something other than plain data and byte arrays."""


class _Array:
    """Stands in for numpy.ndarray: keeps what the pickle says about the array."""

    def __setstate__(self, state):
        _, self.shape, self.dtype, self.column_major, self.content = state


class _Type:
    """Stands in for numpy.dtype: keeps the type's name."""

    def __init__(self, name, *_):
        self.name = name

    def __setstate__(self, state):
        """Byte order and the like: of no interest for single bytes."""


def _new_array(*_):
    return _Array()


STAND_INS = {
    ("numpy.core.multiarray", "_reconstruct"): _new_array,  # as NumPy 1 names it
    ("numpy._core.multiarray", "_reconstruct"): _new_array,  # and NumPy 2
    ("numpy", "ndarray"): _Array,
    ("numpy", "dtype"): _Type,
}


class _Reader(pickle.Unpickler):
    def find_class(self, module, name):
        """Called for every name in the pickle; there are no others than ours."""
        if (module, name) not in STAND_INS:
            raise Refused(f"it asks for {module}.{name}, which no image file needs")
        return STAND_INS[module, name]

    def persistent_load(self, pid):
        raise Refused("it refers to objects outside the file")


def load(stream):
    """Return the dict in `stream`: keys are bytes, values plain data or uint8 arrays.

    Raises:
        Refused: for anything that is not such a dict.
    """
    try:
        table = _Reader(stream, encoding="bytes").load()
        return {key: _plain(value) for key, value in table.items()}
    except Refused:
        raise
    except Exception as error:  # a damaged pickle can fail in any way
        raise Refused(f"it is not a readable pickle ({type(error).__name__}: {error})") from error


def _plain(value):
    if not isinstance(value, _Array):
        return value
    if value.dtype.name not in ("u1", b"u1") or value.column_major:
        raise Refused(f"an array is of type {value.dtype.name!r}, not of bytes in row order")
    return np.frombuffer(value.content, dtype=np.uint8).reshape(value.shape)
