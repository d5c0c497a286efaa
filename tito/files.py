"""Reading and replacing files without ever losing one."""

from __future__ import annotations

import contextlib
import os
import shutil
import tempfile
from datetime import datetime
from pathlib import Path

from tito.errors import TitoError


def read_text(path: Path) -> str:
    """Return the UTF-8 text of `path`; a TitoError names the file when it cannot be read."""
    try:
        return path.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise TitoError(
            f"{path} is not UTF-8 text (byte {error.start}).",
            "Save it as UTF-8, or restore it from a backup.",
        ) from error
    except OSError as error:
        raise TitoError(f"Cannot read {path}: {error.strerror}.") from error


def write_atomic(path: Path, content: str | bytes, *, durable: bool = True) -> None:
    """Replace `path` in one step: readers see the old file or the new one, never half of it.

    The content goes to a temporary file in the same folder, which is then renamed. With
    `durable` it is flushed to disk first, so that it survives a power cut; files that can be
    built again do without. Parent folders are created. Raises TitoError when the folder
    cannot be written.
    """
    data = content.encode("utf-8") if isinstance(content, str) else content
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        _replace(path, data, durable)
    except OSError as error:
        raise TitoError(
            f"Cannot write {path}: {error.strerror or error}.",
            "Check that the folder exists, is yours to write, and the disk is not full.",
        ) from error


def _replace(path: Path, data: bytes, durable: bool) -> None:
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.", suffix=".tmp")
    try:
        with os.fdopen(handle, "wb") as stream:
            stream.write(data)
            stream.flush()
            if durable:
                os.fsync(stream.fileno())
        os.chmod(name, _mode_for(path))
        os.replace(name, path)
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(name)
        raise


def _mode_for(path: Path) -> int:
    """The permission bits the new file gets: the old file's, or the usual ones for a new file."""
    return path.stat().st_mode & 0o777 if path.exists() else 0o644


def backup(path: Path, folder: Path) -> Path:
    """Copy the file or folder `path` below `folder`; return where the copy is. Never overwrites.

    The copy's name starts with the time, so that a listing is in order.
    """
    stamp = datetime.now().strftime("%Y%m%d-%H%M%S")
    for attempt in range(1000):
        suffix = f"-{attempt}" if attempt else ""
        target = folder / f"{stamp}{suffix}" / path.name
        if not target.exists():
            return _copy(path, target)
    raise TitoError(f"Cannot find a free name for a backup of {path} in {folder}.")


def _copy(path: Path, target: Path) -> Path:
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        if path.is_dir():
            shutil.copytree(path, target)
        else:
            shutil.copy2(path, target)
    except OSError as error:
        raise TitoError(
            f"Cannot back up {path} to {target}: {error.strerror or error}.",
            "Nothing was changed. Free some disk space or check the folder's permissions.",
        ) from error
    return target
