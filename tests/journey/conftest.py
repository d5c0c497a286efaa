"""An installed wheel, apart from the checkout, and a way to run its `tito`."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class Installed:
    """A folder into which the wheel was installed, found before anything else on the path."""

    site: Path

    def python(self, *args: str, cwd: Path) -> subprocess.CompletedProcess[str]:
        """Run Python as a learner would, with the wheel and no trace of the checkout."""
        env = {**os.environ, "PYTHONPATH": str(self.site), "PYTHONUTF8": "1", "NO_COLOR": "1"}
        return subprocess.run(
            [sys.executable, *args],
            cwd=cwd,
            env=env,
            capture_output=True,
            text=True,
            encoding="utf-8",
            stdin=subprocess.DEVNULL,
        )

    def tito(self, *args: str, cwd: Path) -> subprocess.CompletedProcess[str]:
        """Run the installed `tito`."""
        return self.python("-m", "tito", *args, cwd=cwd)


PIP = [sys.executable, "-m", "pip", "--disable-pip-version-check"]


@pytest.fixture(scope="session")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, built from this checkout."""
    folder = tmp_path_factory.mktemp("wheel")
    build = [*PIP, "wheel", "-q", "--no-deps", "--no-build-isolation", "-w", str(folder)]
    subprocess.run([*build, str(REPOSITORY)], check=True)
    (built,) = folder.glob("*.whl")
    return built


@pytest.fixture(scope="session")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Installed:
    """The wheel, installed into a folder of its own."""
    site = tmp_path_factory.mktemp("installed") / "site"
    subprocess.run([*PIP, "install", "-q", "--no-deps", "-t", str(site), str(wheel)], check=True)
    return Installed(site)
