"""The progress file itself: its content as plain data, and the lock that guards it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tito.errors import TitoError
from tito.files import read_bytes, refuse_links

if TYPE_CHECKING:
    from tito.workspace.layout import Workspace

LARGEST = 16_000_000  # bytes; a real one has some thousand
DEEPEST = 100  # levels of nesting; a real one has nine
PATIENCE = 30.0  # seconds to wait for another tito
LOCK = "progress.lock"


class Damaged(Exception):
    """The progress file cannot be used at all; the text says why. `Progress.load` handles it."""


def read_plain(workspace: Workspace) -> dict[str, Any]:
    """The content of the workspace's progress file, whose `modules` are an object.

    Raises Damaged when there is nothing to use, and TitoError when the file is a link to another
    place or may not be read.
    """
    path = workspace.progress_path
    refuse_links(path, workspace.root)
    if _size(path) > LARGEST:
        raise Damaged(f"it is larger than {LARGEST // 1_000_000} MB")
    data = _parsed(read_bytes(path))
    if not isinstance(data, dict) or not isinstance(data.get("modules", {}), dict):
        raise Damaged("expected a JSON object whose field 'modules' is an object")
    if _is_deeper(data, DEEPEST):
        raise Damaged(f"it is nested more than {DEEPEST} levels deep")
    return data


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except FileNotFoundError:
        raise Damaged("it is missing") from None
    except OSError as error:
        raise TitoError(
            f"Cannot read {path}: {error.strerror or error}.",
            "Check the owner and the permissions of its folder.",
        ) from error


def _parsed(content: bytes) -> Any:
    try:
        return json.loads(content.decode("utf-8-sig"))
    except json.JSONDecodeError as error:
        raise Damaged(f"not valid JSON at line {error.lineno}: {error.msg}") from error
    except UnicodeDecodeError as error:
        raise Damaged(f"not UTF-8 text (byte {error.start})") from error
    except ValueError as error:  # a number of thousands of digits
        raise Damaged(str(error)) from error
    except RecursionError as error:
        raise Damaged(f"it is nested more than {DEEPEST} levels deep") from error


def _is_deeper(data: Any, levels: int) -> bool:
    """True when lists and objects are nested more than so many `levels` deep."""
    nodes = [data]
    for _ in range(levels):
        inner = [node.values() if isinstance(node, dict) else node for node in nodes]
        nodes = [item for items in inner for item in items if isinstance(item, dict | list)]
    return bool(nodes)


@contextmanager
def locked(workspace: Workspace) -> Iterator[None]:
    """Keep every other tito of the workspace out of the progress; the system ends it with us.

    Raises TitoError when another one stays in for half a minute, or the lock cannot be made.
    """
    from filelock import FileLock, Timeout  # slow to import, and only needed for changes

    path = workspace.state_dir / LOCK
    refuse_links(path, workspace.root)
    lock = FileLock(path, timeout=PATIENCE)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        lock.acquire()
    except Timeout:
        raise TitoError(
            f"Another tito has been at work in {workspace.root} for {PATIENCE:.0f} seconds.",
            "Wait until it has finished, or end it, then try again. Nothing was recorded.",
        ) from None
    except OSError as error:
        raise TitoError(
            f"Cannot write {path}: {error.strerror or error}.",
            "Check that the folder is yours to write, and the disk is not full.",
        ) from error
    try:
        yield
    finally:
        lock.release()
