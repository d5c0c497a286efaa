"""Open a notebook in JupyterLab, if it is installed, and leave it running."""

from __future__ import annotations

import importlib.util
import os
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path

from tito.errors import TitoError
from tito.workspace.layout import Workspace

PATIENCE = 10.0  # seconds given to JupyterLab to come up, which takes one or two
ADDRESS = re.compile(r"https?://\S*/lab\S*")
LOG = "jupyterlab.log"
NEW_GROUP = 0x00000208  # Windows: a process group of its own, detached from the console


def jupyterlab_command() -> list[str] | None:
    """How to start JupyterLab: with this Python, or the one on the PATH; None if there is none."""
    if importlib.util.find_spec("jupyterlab") is not None:
        return [sys.executable, "-m", "jupyterlab"]
    program = shutil.which("jupyter-lab")
    return [program] if program else None


def open_notebook(workspace: Workspace, notebook: Path) -> str:
    """Start JupyterLab on `notebook` in the background; return its address ("" if it is slow).

    Raises TitoError when JupyterLab is not installed or does not start.
    """
    command = jupyterlab_command()
    if command is None:
        raise TitoError(
            "JupyterLab is not installed, so the notebook was not opened; nothing is lost.",
            'Install it:  pip install "tinytorch[notebook]"\n'
            f"Or open {notebook} in any editor that knows notebooks (VS Code, PyCharm),\n"
            f"with the Python environment of this tito: {sys.executable}",
        )
    log = workspace.state_dir / LOG
    with open(log, "w", encoding="utf-8") as stream:
        process = subprocess.Popen(
            [*command, workspace.display_path(notebook)],
            cwd=workspace.root,
            stdin=subprocess.DEVNULL,
            stdout=stream,
            stderr=stream,
            # It lives on when this command, or its terminal's Ctrl-C, ends.
            start_new_session=os.name != "nt",
            creationflags=NEW_GROUP if os.name == "nt" else 0,
        )
    return _watch_start(process, log)


def _watch_start(process: subprocess.Popen[bytes], log: Path) -> str:
    """Wait until JupyterLab has told its address, and return that; "" if it takes too long."""
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        ended = process.poll()
        said = log.read_text(encoding="utf-8", errors="replace")
        if ended is not None:
            raise TitoError(
                f"JupyterLab ended at once (exit code {ended}): {_last_line(said)}",
                f"All it said is in {log}. Nothing of your work was touched.",
            )
        if address := ADDRESS.search(said):
            return address[0]
        time.sleep(0.05)
    return ""


def _last_line(text: str) -> str:
    return next((line for line in reversed(text.splitlines()) if line.strip()), "it said nothing")
