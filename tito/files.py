"""Reading and replacing files without ever losing one, and without following a link elsewhere."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import stat
import time
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import BinaryIO

from tito.errors import TitoError

TEMPORARY = re.compile(r"\.tito-[0-9a-f]{16}\.tmp")  # files being written, and nobody else's
STALE_AFTER = 3600.0  # seconds: no write of ours takes that long, so its writer is dead
PERMISSIONS = 0o666  # of a new file, less what the umask takes away
NAMES_TRIED = 1000
# Windows ends text lines on its own, unless told that the bytes are bytes.
NEW = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0)
# What Windows has in place of links to folders is recognised from Python 3.12 on.
LINK_TESTS = (os.path.islink, getattr(os.path, "isjunction", os.path.islink))


# -- reading ---------------------------------------------------------------------------------------


def read_bytes(path: Path, *, inside: Path | None = None) -> bytes:
    """Return what is in `path`; with `inside`, only if no link leads there (see `refuse_links`).

    Raises TitoError when it cannot be read, or is no regular file (a pipe would never end).
    """
    if inside is not None:
        refuse_links(path, inside)
    try:
        _require_file(path)
        return path.read_bytes()
    except OSError as error:
        raise TitoError(f"Cannot read {path}: {error.strerror or error}.") from error


def _require_file(path: Path) -> None:
    if not stat.S_ISREG(path.stat().st_mode):
        raise TitoError(f"{path} is not a file.", "Move it away, and put a file in its place.")


def read_text(path: Path, *, inside: Path | None = None) -> str:
    """Return the UTF-8 text of `path` with lines that end in "\\n"; see `read_bytes`.

    A byte-order mark is left out, and the line ends of Windows are accepted.
    """
    try:
        text = read_bytes(path, inside=inside).decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise TitoError(
            f"{path} is not UTF-8 text (byte {error.start}).",
            "Save it as UTF-8, or restore it from a backup.",
        ) from error
    return text.replace("\r\n", "\n").replace("\r", "\n")


def refuse_links(path: Path, inside: Path) -> None:
    """Raise a TitoError if `path`, or a folder between it and `inside`, is a symbolic link.

    What is read or written there would be somebody else's file. `inside` itself may be a link.
    """
    steps = path.relative_to(inside).parts
    if ".." in steps:
        raise ValueError(f"{path} leads out of {inside}")
    place = inside
    for step in steps:
        place = place / step
        if _is_link(place):
            raise TitoError(
                f"{place} is a link to another place; tito reads and writes only inside {inside}.",
                f"Replace the link by a real file or folder; {inside} itself may be a link.",
            )


def _is_link(path: Path) -> bool:
    return any(test(path) for test in LINK_TESTS)


# -- writing ---------------------------------------------------------------------------------------


def write_atomic(
    path: Path, content: str | bytes, *, durable: bool = True, inside: Path | None = None
) -> None:
    """Replace `path` in one step: readers see the old file or the new one, never half of it.

    The content goes to a temporary file in the same folder, which is then renamed. With
    `durable` it is flushed to disk first, so that it survives a power cut; files that can be
    built again do without. Parent folders are created. An existing file keeps its permissions.
    No link is followed or replaced from `inside` (default: the file's folder) on.

    Raises TitoError when the file cannot be written; then nothing has changed.
    """
    refuse_links(path, inside or path.parent)
    data = _encoded(content, path) if isinstance(content, str) else content
    try:
        with _folders(path.parent):
            _replace(path, data, durable)
    except OSError as error:
        raise TitoError(
            f"Cannot write {path}: {error.strerror or error}.",
            "Check that the folder exists, is yours to write, and the disk is not full.",
        ) from error


def _encoded(text: str, path: Path) -> bytes:
    try:
        return text.encode("utf-8")
    except UnicodeEncodeError as error:
        line = text.count("\n", 0, error.start) + 1
        raise TitoError(
            f"Cannot write {path}: {text[error.start]!r} in line {line} is half of a character.",
            "Type that character again.",
        ) from error


def _replace(path: Path, data: bytes, durable: bool) -> None:
    with temporary(path.parent) as name:
        with _create(name, _mode_of(path)) as stream:
            stream.write(data)
            _finish(stream, durable)
        os.replace(name, path)


def _mode_of(path: Path) -> int | None:
    """The permissions of the file; None if there is none."""
    try:
        return stat.S_IMODE(path.lstat().st_mode)
    except FileNotFoundError:
        return None


@contextlib.contextmanager
def _folders(folder: Path) -> Iterator[None]:
    """Make `folder` and those above it; if the work in it fails, take away those that were made."""
    missing = [place for place in (folder, *folder.parents) if not place.exists()]
    try:
        folder.mkdir(parents=True, exist_ok=True)
        yield
    except BaseException:
        for made in missing:
            with contextlib.suppress(OSError):  # another process may have filled it since
                made.rmdir()
        raise


@contextlib.contextmanager
def temporary(folder: Path) -> Iterator[Path]:
    """A free name for a file or folder of ours in `folder`; nothing of it is left afterwards."""
    sweep(folder)
    name = folder / f".tito-{os.urandom(8).hex()}.tmp"
    try:
        yield name
    finally:
        with contextlib.suppress(OSError):  # renamed in the meantime, as it should be
            _remove(name)


def sweep(folder: Path) -> None:
    """Remove from `folder` what is temporary and whose writer was killed long ago."""
    with contextlib.suppress(OSError), os.scandir(folder) as entries:
        for entry in entries:
            if TEMPORARY.fullmatch(entry.name) and _is_stale(entry):
                _remove(Path(entry.path))


def _is_stale(entry: os.DirEntry[str]) -> bool:
    found = entry.stat(follow_symlinks=False)
    is_ours = stat.S_ISREG(found.st_mode) or stat.S_ISDIR(found.st_mode)
    return is_ours and found.st_mtime < time.time() - STALE_AFTER


def _remove(path: Path) -> None:
    if not path.is_dir():
        path.unlink()
        return
    for copy in path.iterdir():
        copy.unlink()
    path.rmdir()


def _create(name: Path, mode: int | None) -> BinaryIO:
    """Open a new file for writing; its permissions are `mode`, by default what the umask leaves."""
    stream = os.fdopen(os.open(name, NEW, PERMISSIONS if mode is None else mode), "wb")
    try:
        if mode is not None:
            os.chmod(name, mode)
    except BaseException:
        stream.close()
        raise
    return stream


def _finish(stream: BinaryIO, durable: bool) -> None:
    stream.flush()
    if durable:
        os.fsync(stream.fileno())


# -- backups ---------------------------------------------------------------------------------------


def backup(path: Path, folder: Path, *, inside: Path | None = None) -> Path:
    """Copy the file `path` below `folder`; return where the copy is. Never overwrites.

    The copy's folder is named after the time, so that a listing is in order. Links are refused
    from `inside` (default: the folder that holds each) on. Raises TitoError when there is no
    copy; then nothing of it is left behind.
    """
    refuse_links(path, inside or path.parent)
    refuse_links(folder, inside or folder.parent)
    try:
        with _folders(folder), temporary(folder) as name:
            name.mkdir()
            _copy(path, name / path.name)
            return _settle(name, folder) / path.name
    except OSError as error:
        raise TitoError(
            f"Cannot back up {path} in {folder}: {error.strerror or error}.",
            "Nothing was changed. Free some disk space or check the folder's permissions.",
        ) from error


def _copy(path: Path, name: Path) -> None:
    _require_file(path)
    with path.open("rb") as source, _create(name, _mode_of(path)) as stream:
        shutil.copyfileobj(source, stream)
        _finish(stream, durable=True)


def _settle(name: Path, folder: Path) -> Path:
    """Rename the finished copy's folder after the time; return where it is now.

    The copy appears whole or not at all. A folder that holds an earlier one cannot be replaced.
    """
    stamp = datetime.now().strftime("%Y%m%d-%H%M%S")
    for attempt in range(NAMES_TRIED):
        place = folder / (f"{stamp}-{attempt}" if attempt else stamp)
        try:
            os.replace(name, place)
        except OSError:
            if not place.exists():
                raise
        else:
            return place
    raise TitoError(f"Cannot find a free name for a backup in {folder}.", "Try again in a second.")
