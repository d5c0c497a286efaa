"""JupyterLab for a workspace: one server, rooted there, started once, reused, and ended again."""

from __future__ import annotations

import importlib.util
import json
import os
import re
import shutil
import subprocess
import sys
import time
import urllib.request
from dataclasses import asdict, dataclass
from pathlib import Path
from urllib.parse import quote, urlsplit

from tito.errors import TitoError
from tito.files import write_atomic
from tito.workspace.layout import Workspace

PATIENCE = 30.0  # seconds given to JupyterLab to come up, which takes one or two
ANSWER = 2.0  # seconds given to a running one to answer
ADDRESS = re.compile(r"(https?://(?:localhost|127\.0\.0\.1):\d+/)\S*?\?token=(\w+)")
LOG, RECORD = "jupyterlab.log", "jupyterlab.json"
CONFIG = "jupyter"
# Its box, which asks whether one wants news of JupyterLab, lies over the notebook at every opening.
PAGE_CONFIG = {"disabledExtensions": {"@jupyterlab/apputils-extension:announcements": True}}
NEW_GROUP = 0x00000208  # Windows: a process group of its own, detached from the console


@dataclass(frozen=True)
class Server:
    """A JupyterLab that serves one workspace."""

    base: str  # "http://localhost:8888/"
    token: str
    pid: int

    def link(self, path: str) -> str:
        """The address that opens a file, given by its path below the workspace."""
        return f"{self.base}lab/tree/{quote(path)}?token={self.token}"

    def ask(self, what: str, method: str = "GET") -> bool:
        """Whether the server does what it is asked ("api/status", "api/shutdown")."""
        headers = {"Authorization": f"token {self.token}"}
        request = urllib.request.Request(f"{self.base}{what}", method=method, headers=headers)
        try:
            with urllib.request.urlopen(request, timeout=ANSWER) as reply:
                return bool(200 <= reply.status < 300)
        except (OSError, ValueError):
            return False


def jupyterlab_command() -> list[str] | None:
    """How to start JupyterLab: with this Python, or the one on the PATH; None if there is none."""
    if importlib.util.find_spec("jupyterlab") is not None:
        return [sys.executable, "-m", "jupyterlab"]
    program = shutil.which("jupyter-lab")
    return [program] if program else None


def how_to_install() -> str:
    """The command that adds JupyterLab, and matplotlib for the figures, to this Python."""
    return f"{sys.executable} -m pip install jupyterlab matplotlib"


def running(workspace: Workspace) -> Server | None:
    """The workspace's server, if one that we started still answers."""
    try:
        record = json.loads((workspace.state_dir / RECORD).read_text(encoding="utf-8"))
        server = Server(str(record["base"]), str(record["token"]), int(record["pid"]))
    except (OSError, ValueError, KeyError, TypeError):
        return None
    local = urlsplit(server.base).hostname in ("localhost", "127.0.0.1")
    return server if local and server.ask("api/status") else None


def serve(workspace: Workspace) -> Server:
    """The workspace's server: the one that runs, else a new one.

    Raises TitoError when JupyterLab is not installed or does not start.
    """
    return running(workspace) or _start(workspace)


def stop(workspace: Workspace) -> bool:
    """End the workspace's server; False if none runs. Notebooks keep what was saved."""
    server = running(workspace)
    ended = server is not None and server.ask("api/shutdown", "POST")
    if ended:
        (workspace.state_dir / RECORD).unlink(missing_ok=True)
    return ended


def _start(workspace: Workspace) -> Server:
    command = jupyterlab_command()
    if command is None:
        raise TitoError(
            "JupyterLab is not installed, so the notebook was not opened; nothing is lost.",
            f"Install it:  {how_to_install()}\n"
            "Or open the file in any editor that knows notebooks (VS Code, PyCharm),\n"
            f"with the Python environment of this tito: {sys.executable}",
        )
    log = workspace.state_dir / LOG
    with open(log, "w", encoding="utf-8") as stream:
        process = subprocess.Popen(
            [*command, "--no-browser", f"--ServerApp.root_dir={workspace.root}", *_as_root()],
            cwd=workspace.root,
            env={**os.environ, "JUPYTER_CONFIG_PATH": _config_path(workspace)},
            stdin=subprocess.DEVNULL,
            stdout=stream,
            stderr=stream,
            # It lives on when this command, or its terminal's Ctrl-C, ends.
            start_new_session=os.name != "nt",
            creationflags=NEW_GROUP if os.name == "nt" else 0,
        )
    server = _when_up(process, log)
    record = workspace.state_dir / RECORD
    write_atomic(record, json.dumps(asdict(server)), inside=workspace.root)
    return server


def _config_path(workspace: Workspace) -> str:
    """Where Jupyter looks for settings: in a folder of the workspace first, then as before."""
    own = workspace.state_dir / CONFIG
    page = own / "labconfig" / "page_config.json"
    write_atomic(page, json.dumps(PAGE_CONFIG), inside=workspace.root)
    return os.pathsep.join(filter(None, [str(own), os.environ.get("JUPYTER_CONFIG_PATH")]))


def _as_root() -> list[str]:
    """In a container one often is root, and JupyterLab wants to hear that this is meant."""
    return ["--allow-root"] if os.name != "nt" and os.geteuid() == 0 else []


def _when_up(process: subprocess.Popen[bytes], log: Path) -> Server:
    """The server, once it has told its address and answers."""
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
            server = Server(address[1], address[2], process.pid)
            if server.ask("api/status"):
                return server
        time.sleep(0.05)
    raise TitoError(
        f"JupyterLab did not come up within {PATIENCE:.0f} s.",
        f"All it said is in {log}. Nothing of your work was touched.",
    )


def _last_line(text: str) -> str:
    return next((line for line in reversed(text.splitlines()) if line.strip()), "it said nothing")
