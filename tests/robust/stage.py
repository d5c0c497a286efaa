"""A stage for one command: the folder it starts from, started and killed as often as wanted.

All of it in processes of their own, on the planted curriculum, with a temporary folder of its own
in which everything that a guest left behind can be seen.
"""

from __future__ import annotations

import contextlib
import os
import resource
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from planted import plant, solve, write

import tito
from tito.curriculum.curriculum import Curriculum
from tito.workspace.layout import Workspace
from tito.workspace.setup import create

PROGRAM = Path(__file__).with_name("planted_tito.py")
REPOSITORY = Path(tito.__file__).parents[1]
OTHER = '#| export\ndef double(x):\n    """Return twice x."""\n    return x + x\n'
GONE_WITHIN = 10.0  # seconds for guests to go after the kill: at once, but machines are busy
SMALLEST = 16  # bytes: enough to try out whether a temporary folder can be used
TIMED = 3  # runs of which the fastest counts: on a busy machine the others wait
Prepare = Callable[[Path, Path], None]  # release, place of the workspace


@dataclass(frozen=True)
class Scenario:
    """A command, and what stands in the folder before it."""

    name: str
    command: tuple[str, ...]
    prepare: Prepare


@dataclass
class Stage:
    """A scenario in a folder: `before` is copied to `now` for each run."""

    scenario: Scenario
    folder: Path
    duration: float = 0.0  # seconds of an undisturbed run
    steps: list[str] = field(default_factory=list)  # the changes of files in an undisturbed run

    @property
    def release(self) -> Path:
        """The curriculum."""
        return self.folder / "release"

    @property
    def now(self) -> Path:
        """The folder in which the command runs."""
        return self.folder / "now"

    @property
    def before(self) -> Path:
        """What `now` is at the beginning."""
        return self.folder / "before"

    @property
    def guests(self) -> Path:
        """The temporary folder of the commands."""
        return self.folder / "temporary"

    def build(self) -> None:
        """Make the curriculum and what stands before the command."""
        plant(self.release)
        self.before.mkdir()
        self.guests.mkdir()
        self.scenario.prepare(self.release, self.before)

    def fresh(self) -> None:
        """Put `now` back to the beginning."""
        for folder in (self.now, self.guests):
            shutil.rmtree(folder, ignore_errors=True)
        shutil.copytree(self.before, self.now)
        self.guests.mkdir()

    def start(
        self, command: tuple[str, ...] = (), *, at_limit: bool = False, **environment: str
    ) -> subprocess.Popen[str]:
        """Start the command (default: the scenario's) in `now`, in a process group of its own.

        `at_limit`: no file can grow beyond SMALLEST. (A guest sets a limit of its own.)
        """
        return subprocess.Popen(
            [sys.executable, str(PROGRAM), str(self.release), *(command or self.scenario.command)],
            cwd=self.now,
            env={**_environment(), "TMPDIR": str(self.guests), **environment},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
            preexec_fn=_stop_growth if at_limit else None,
        )

    def run(self, command: tuple[str, ...] = (), **environment: str) -> str:
        """Run it undisturbed; what it said. Raises when it fails."""
        process = self.start(command, **environment)
        said = process.communicate(timeout=300)[0]
        if process.returncode:
            raise RuntimeError(f"{self.scenario.name}: exit code {process.returncode}: {said}")
        return said

    def measure(self) -> None:
        """Note how long an undisturbed run takes, and which files it changes."""
        log = self.folder / "steps"
        self.run(STEPS=str(log), INSIDE=str(self.now))
        self.steps = log.read_text(encoding="utf-8").splitlines()
        self.duration = min(self._timed() for _ in range(TIMED))

    def _timed(self) -> float:
        self.fresh()
        begun = time.perf_counter()
        self.run()
        return time.perf_counter() - begun

    def kill_after(self, seconds: float) -> bool:
        """Start, kill the whole process group after a time; whether it was still running."""
        with self.start() as process:
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(seconds)
            was_running = process.poll() is None
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.communicate()
        return was_running

    def kill_before_step(self, number: int) -> bool:
        """Start, let it be killed before its change of a file of this number (from 1)."""
        log = str(self.folder / "steps")
        with self.start(STEPS=log, INSIDE=str(self.now), KILL_AT=str(number)) as process:
            process.communicate(timeout=300)
        return process.returncode == -signal.SIGKILL

    def seconds_until_guests_are_gone(self) -> float:
        """How long processes and folders of guests stay after the kill; at most GONE_WITHIN."""
        begun = time.monotonic()
        while (passed := time.monotonic() - begun) < GONE_WITHIN:
            if not os.listdir(self.guests) and not self._processes():
                break
            time.sleep(0.02)
        return passed

    def _processes(self) -> list[str]:
        """Processes whose temporary folder is ours (Linux)."""
        mark = f"TMPDIR={self.guests}".encode()
        found = []
        for entry in Path("/proc").glob("[0-9]*/environ"):
            with contextlib.suppress(OSError):
                if mark in entry.read_bytes().split(b"\0"):
                    found.append(entry.parent.name)
        return found


def _stop_growth() -> None:
    resource.setrlimit(
        resource.RLIMIT_FSIZE, (SMALLEST, resource.getrlimit(resource.RLIMIT_FSIZE)[1])
    )


def _environment() -> dict[str, str]:
    paths = [str(REPOSITORY), str(REPOSITORY / "tests" / "support")]
    return {**os.environ, "PYTHONPATH": os.pathsep.join(paths), "NO_COLOR": "1"}


# -- what stands before each command ---------------------------------------------------------------


def worked_on(release: Path, place: Path) -> Workspace:
    """A workspace in which Module 01 was solved in another way than it was exported before."""
    workspace = create(place, Curriculum.load(release)).workspace
    number, sums = workspace.curriculum.available
    solve(workspace, number)
    run_here(release, place, "module", "complete", "1")
    solve(workspace, number, number_double=OTHER)
    solve(workspace, sums)
    write(workspace.notebook(number).with_suffix(".txt"), "my own notes")
    return workspace


def run_here(release: Path, place: Path, *command: str) -> None:
    """Run a command undisturbed, to prepare a folder."""
    program = [sys.executable, str(PROGRAM), str(release), *command]
    subprocess.run(program, cwd=place, env=_environment(), check=True, capture_output=True)


def nothing(release: Path, place: Path) -> None:
    """An empty folder."""


def lacking(release: Path, place: Path) -> None:
    """A workspace in which some files were deleted, and one of the release's was changed."""
    workspace = worked_on(release, place)
    workspace.notebook(workspace.curriculum.module(2)).unlink()
    (workspace.package_dir / "core" / "sums.py").unlink()
    (workspace.package_dir / "__init__.py").unlink()
    (place / "README.md").unlink()
    shutil.rmtree(place / "milestones")
    write(place / "datasets" / "tiny" / "tiny.txt", "my own data")


def two_files(release: Path, place: Path) -> None:
    """Module 01 has a notebook and a script."""
    workspace = worked_on(release, place)
    script = workspace.notebook(workspace.curriculum.module(1)).with_suffix(".py")
    write(script, "# my own script")


SCENARIOS = (
    Scenario("setup, new", ("setup",), nothing),
    Scenario("setup, again", ("setup",), lacking),
    Scenario("start", ("module", "start", "2", "--no-open"), worked_on),
    Scenario("export", ("export", "1"), worked_on),
    Scenario("complete, again", ("module", "complete", "1"), worked_on),
    Scenario("complete, first", ("module", "complete", "2"), worked_on),
    Scenario("reset", ("module", "reset", "1", "--yes"), two_files),
)
