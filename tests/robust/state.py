"""What stands in a workspace, and what a kill may not have done to it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tito.files import STALE_AFTER, TEMPORARY
from tito.package.writer import PLACEHOLDER_MARK

STATE = ".tinytorch"
PROGRESS = f"{STATE}/progress.json"
LOCK = f"{STATE}/progress.lock"
BACKUPS = f"{STATE}/backups/"
MOMENTS = ("time", "started", "exported", "completed")
PACKAGE = "tinytorch/"
Files = dict[str, bytes]  # path in the workspace → content


def files_in(root: Path) -> Files:
    """All files; neither lock and temporary files, nor what Python compiled."""
    paths = {path.relative_to(root): path for path in root.rglob("*") if path.is_file()}
    named = {name.as_posix(): path for name, path in paths.items() if _is_lasting(name)}
    return {name: path.read_bytes() for name, path in named.items() if name != LOCK}


def _is_lasting(name: Path) -> bool:
    return not any(part == "__pycache__" or TEMPORARY.fullmatch(part) for part in name.parts)


def work_in(files: Files) -> Files:
    """Without backups; the progress without times of day."""
    kept = {name: content for name, content in files.items() if not name.startswith(BACKUPS)}
    if PROGRESS in kept:
        kept[PROGRESS] = json.dumps(_timeless(json.loads(kept[PROGRESS]))).encode()
    return kept


def _timeless(value: Any) -> Any:
    if not isinstance(value, dict):
        return value
    return {key: key in MOMENTS or _timeless(inner) for key, inner in value.items()}


def backups_in(files: Files) -> set[bytes]:
    """The contents of all backups."""
    return {content for name, content in files.items() if name.startswith(BACKUPS)}


def faults_after_kill(root: Path, before: Files, final: Files) -> Iterator[str]:
    """What is wrong with a workspace whose command was killed between `before` and `final`."""
    found = files_in(root)
    yield from (
        f"a backup is gone: {n}" for n in before if n.startswith(BACKUPS) and n not in found
    )
    try:
        now, old, new = work_in(found), work_in(before), work_in(final)
    except ValueError as error:
        yield f"the progress cannot be read: {error}"
        return
    for name in old.keys() | new.keys() | now.keys():
        if now.get(name) not in (old.get(name), new.get(name)):
            yield f"{name} is neither the old one nor the new one"
    kept = backups_in(found)
    replaced = {n: c for n, c in old.items() if n != PROGRESS and now.get(n) != c and c not in kept}
    for name, content in replaced.items():
        if _is_somebodys(name, content):
            yield f"{name} was replaced, and there is no backup"
    if now != old:
        yield from _import_fault(root, now)


def _is_somebodys(name: str, content: bytes) -> bool:
    """Whether a learner made it: not a file that tito can write again at any time."""
    if not name.startswith(PACKAGE):
        return True
    generated = name.endswith(("/__init__.py", "/_pending.py"))
    return not generated and not content.startswith(PLACEHOLDER_MARK.encode())


def _import_fault(root: Path, files: Files) -> Iterator[str]:
    if f"{PACKAGE}__init__.py" not in files:  # it is written last
        return
    names = [n for n in files if n.startswith(f"{PACKAGE}core/") and not n.endswith("__init__.py")]
    built = [n for n in names if not files[n].startswith(PLACEHOLDER_MARK.encode())]
    modules = ["tinytorch", *(name.removesuffix(".py").replace("/", ".") for name in built)]
    code = f"import sys; sys.path[0] = {str(root)!r}\nimport {', '.join(modules)}"
    done = subprocess.run([sys.executable, "-B", "-c", code], capture_output=True, text=True)
    if done.returncode:
        yield f"the package does not import: {done.stderr.strip().splitlines()[-1]}"


def faults_after_repeat(root: Path, final: Files) -> Iterator[str]:
    """What a second, undisturbed run left different from an undisturbed first one."""
    found = files_in(root)
    now, expected = work_in(found), work_in(final)
    for name in now.keys() | expected.keys():
        if now.get(name) != expected.get(name):
            yield f"after the second run {name} is not what it should be"
    if not backups_in(final) <= backups_in(found):
        yield "after the second run a backup is missing"
    yield from (f"left behind: {path.relative_to(root)}" for path in _leftovers(root))


def _leftovers(root: Path) -> Iterator[Path]:
    for path in root.rglob("*"):
        if path.name.startswith(".tito-") or (path.is_dir() and not any(path.iterdir())):
            yield path


def age_temporary_files(root: Path) -> None:
    """Let what a killed process was writing be old enough to be swept away."""
    long_ago = time.time() - 2 * STALE_AFTER
    for path in root.rglob(".tito-*"):
        os.utime(path, (long_ago, long_ago))
