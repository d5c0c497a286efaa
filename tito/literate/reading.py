"""From a file, or the bytes that were read from it, to cells."""

from __future__ import annotations

from pathlib import Path

from tito.files import read_bytes
from tito.literate.cells import Cell
from tito.literate.errors import SourceError
from tito.literate.ipynb import parse_notebook
from tito.literate.percent import parse_percent


def read_cells(path: Path) -> list[Cell]:
    """Return the cells of a percent `.py` file or an `.ipynb` notebook.

    Raises SourceError (with file:line) when the file is damaged, TitoError when it cannot be read.
    """
    return parse_cells(read_bytes(path), str(path))


def parse_cells(data: bytes, origin: str) -> list[Cell]:
    """Return the cells of a file's bytes; `origin`, its path, tells the format and the place.

    Raises SourceError (with file:line) when they are damaged.
    """
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise SourceError(
            f"{origin}:{line}",
            f"this is not UTF-8 text (byte {error.start}).",
            "Save the file as UTF-8, or restore it from a backup.",
        ) from error
    parse = parse_notebook if origin.endswith(".ipynb") else parse_percent
    return parse(text, origin)
