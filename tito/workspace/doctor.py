"""What `tito system doctor` looks at: each finding says what is so, and what to do about it."""

from __future__ import annotations

import importlib.metadata
import importlib.util
import platform
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tito import __version__
from tito.curriculum.curriculum import Curriculum
from tito.curriculum.modules import Module
from tito.errors import TitoError
from tito.resources import is_checkout
from tito.sandbox import INSTALL_BUBBLEWRAP, choose
from tito.workspace.lab import how_to_install
from tito.workspace.layout import Workspace, current_folder, writable
from tito.workspace.progress import Progress

OLDEST_PYTHON = (3, 11)
OLDEST_NUMPY = 2
ENOUGH_BYTES = 200_000_000
WHERE = "import tinytorch, os; print(os.path.dirname(os.path.abspath(tinytorch.__file__)))"


@dataclass(frozen=True)
class Finding:
    """One thing looked at. `state`: "ok", "note" (works, worth knowing) or "problem" (mend it)."""

    subject: str
    state: str
    text: str
    fix: str = ""


def here(curriculum: Curriculum) -> Workspace | None:
    """The workspace of the current folder, if there is one."""
    try:
        return Workspace.find(curriculum)
    except TitoError:
        return None


def examine(curriculum: Curriculum) -> list[Finding]:
    """Look at the machine, then at the workspace we are in, if we are in one."""
    workspace = here(curriculum)
    findings = [_python(), _numpy(), _jupyter(), _figures()]
    findings += [_whose(workspace, curriculum), _isolation()]
    if workspace is None:
        note = Finding("workspace", "note", "not in a workspace", "Make one: tito setup")
        return [*findings, note]
    findings += [_workspace(workspace), _disk(workspace), _progress(workspace)]
    return [*findings, *_work(workspace), *_package(workspace)]


def facts(curriculum: Curriculum) -> dict[str, str]:
    """What `tito system info` shows: versions and places."""
    workspace = here(curriculum)
    return {
        "tito": f"{__version__} ({'checkout' if is_checkout() else 'installed'})",
        "python": f"{platform.python_version()} ({sys.executable})",
        "platform": platform.platform(),
        "numpy": _version("numpy") or "not installed",
        "jupyterlab": _version("jupyterlab") or "not installed",
        "curriculum": str(curriculum.root),
        "modules": f"{len(curriculum.available)} of {len(curriculum.modules)} available",
        "workspace": str(workspace.root) if workspace else "not in one",
        "tinytorch": whose_tinytorch(workspace)[1],
    }


def whose_tinytorch(workspace: Workspace | None) -> tuple[Path | None, str]:
    """What `import tinytorch` gives in the current folder: its place (None: it fails), in words.

    Asked of a fresh Python, since only a real import tells.
    """
    run = subprocess.run(
        [sys.executable, "-c", WHERE], capture_output=True, text=True, encoding="utf-8",
        errors="replace", timeout=60, cwd=current_folder(),
    )  # fmt: skip
    if run.returncode:
        last = run.stderr.strip().splitlines()[-1:] or [f"exit code {run.returncode}"]
        return None, f"import tinytorch fails here: {last[0]}"
    place = Path(run.stdout.strip().splitlines()[-1])
    own = workspace is not None and _same(place, workspace.package_dir)
    return place, f"{'your own build' if own else 'the reference build'} ({place})"


def _python() -> Finding:
    text = platform.python_version()
    if sys.version_info[:2] >= OLDEST_PYTHON:
        return Finding("Python", "ok", text)
    oldest = ".".join(map(str, OLDEST_PYTHON))
    return Finding("Python", "problem", text, f"Install Python {oldest} or newer.")


def _numpy() -> Finding:
    found, fix = _version("numpy"), f'{sys.executable} -m pip install "numpy>={OLDEST_NUMPY}"'
    if not found or not importlib.util.find_spec("numpy"):
        return Finding("NumPy", "problem", "not installed", fix)
    if int(found.partition(".")[0]) < OLDEST_NUMPY:
        return Finding("NumPy", "problem", f"{found} is too old", fix)
    return Finding("NumPy", "ok", found)


def _jupyter() -> Finding:
    if not importlib.util.find_spec("jupyterlab") and not shutil.which("jupyter-lab"):
        return Finding(
            "JupyterLab",
            "note",
            "not installed; any editor that knows notebooks will do",
            f"To have it: {how_to_install()}",
        )
    return Finding("JupyterLab", "ok", _version("jupyterlab") or "on the PATH")


def _figures() -> Finding:
    if importlib.util.find_spec("matplotlib"):
        return Finding("matplotlib", "ok", _version("matplotlib"))
    text = "not installed; notebooks and milestones leave their figures out"
    return Finding("matplotlib", "note", text, f"To have them: {how_to_install()}")


def _whose(workspace: Workspace | None, curriculum: Curriculum) -> Finding:
    place, text = whose_tinytorch(workspace)
    if place is None:
        return Finding(
            "import tinytorch", "problem", text, _mend_import(text, workspace, curriculum)
        )
    if workspace is not None and not _same(place, workspace.package_dir):
        fix = "PYTHONPATH or a folder named tinytorch in the way? Remove it."
        return Finding("import tinytorch", "problem", f"{text}, not your own", fix)
    return Finding("import tinytorch", "ok", text)


def _mend_import(text: str, workspace: Workspace | None, curriculum: Curriculum) -> str:
    if workspace is not None and "No module named" not in text:
        return "See what it says of your package, then: tito setup"
    if is_checkout():
        return f"Install it into this Python: pip install -e {curriculum.root}"
    return "Install TinyTorch again into this Python."


def _isolation() -> Finding:
    """Whether other people's code could be judged here."""
    launcher = choose("auto")
    if not launcher.why:
        return Finding("sandbox", "ok", launcher.tier)
    text = f"{launcher.why}; your own code is judged all the same"
    return Finding("sandbox", "note", text, f"To judge others' code: {INSTALL_BUBBLEWRAP}")


def _workspace(workspace: Workspace) -> Finding:
    for folder in (workspace.root, workspace.modules_dir, workspace.state_dir):
        if folder.is_dir() and not writable(folder):
            fix = "Check the folder's owner and permissions."
            return Finding("workspace", "problem", f"{folder} cannot be written", fix)
    return Finding("workspace", "ok", str(workspace.root))


def _disk(workspace: Workspace) -> Finding:
    free = shutil.disk_usage(workspace.root).free
    text = f"{free / 1e9:.1f} GB free"
    if free >= ENOUGH_BYTES:
        return Finding("disk", "ok", text)
    return Finding("disk", "problem", text, "Free some space: saving work needs it.")


def _progress(workspace: Workspace) -> Finding:
    try:
        notices = Progress.load(workspace).notices
    except TitoError as error:
        return Finding("progress", "problem", error.message, error.fix)
    if notices:
        fix = "Rebuild it from your work: tito module status"
        return Finding("progress", "problem", " ".join(notices), fix)
    return Finding("progress", "ok", workspace.display_path(workspace.progress_path))


def _work(workspace: Workspace) -> Iterator[Finding]:
    """One finding for each file with a fault, or a single one that all are readable."""
    findings = [_notebook(workspace, module) for module in workspace.curriculum.available]
    faults = [finding for finding in findings if finding.state != "ok"]
    yield from faults
    if not faults:
        yield Finding("notebooks", "ok", f"{len(findings)} readable and complete")


def _notebook(workspace: Workspace, module: Module) -> Finding:
    from tito.literate.reading import read_cells

    subject = f"notebook {module.id}"
    mend = f"Fresh copy, yours is kept: tito module reset {module.id}"
    files = workspace.learner_files(module)
    if not files:
        return Finding(subject, "problem", "there is none", "Add it: tito setup")
    try:
        present = [cell.grade_id for cell in read_cells(files[0])]
    except TitoError as error:
        return Finding(subject, "problem", error.message, error.fix or mend)
    wanted = [e.id for e in workspace.curriculum.exercises(module)]
    gone = [name for name in wanted if name not in present]
    twice = [name for name in wanted if present.count(name) > 1]
    if gone or twice:
        text = "; ".join(
            [f"cell of exercise {name} is missing" for name in gone]
            + [f"cell of exercise {name} stands there twice" for name in twice]
        )
        return Finding(subject, "problem", f"{workspace.display_path(files[0])}: {text}", mend)
    if len(files) > 1:
        text = f"{files[0].name} is used, {files[1].name} is older"
        return Finding(subject, "note", text, "Keep only the one you work in.")
    return Finding(subject, "ok", workspace.display_path(files[0]))


def _package(workspace: Workspace) -> Iterator[Finding]:
    """Does the package hold what the progress says is completed?"""
    try:
        done = set(Progress.load(workspace).completed)
    except TitoError:
        return  # said above
    lost = sorted(done - set(workspace.sources()))
    for number in lost:
        module = workspace.curriculum.module(number)
        text = f"{module.label} is completed but not in {workspace.package_dir}"
        yield Finding("package", "problem", text, f"Export it again: tito export {module.id}")
    if not lost:
        yield Finding("package", "ok", f"{len(workspace.sources())} modules in it")


def _version(name: str) -> str:
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return ""


def _same(one: Path, other: Path) -> bool:
    return one.resolve() == other.resolve()
