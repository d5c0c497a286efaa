"""kill -9 at random moments of the commands that change files: is anything ever lost?

    python tests/robust/kills.py --kills 200 --seed 1
    python tests/robust/kills.py --every-step

The first kills so many runs, spread over the commands, each with its whole process group and
after a random part of its undisturbed duration. The second kills each command before every single
change of a file that it makes. After each kill the workspace is checked, the command is run again
undisturbed, and the workspace is checked again. A table is printed; the exit code is 1 if there
was a fault.
"""

from __future__ import annotations

import argparse
import collections
import random
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parents[1] / "support"))

from stage import GONE_WITHIN, SCENARIOS, Scenario, Stage
from state import (
    Files,
    age_temporary_files,
    backups_in,
    faults_after_kill,
    faults_after_repeat,
    files_in,
    work_in,
)

BEYOND = 1.1  # of the duration: some kills come too late, on purpose
WHEN = ("before", "during", "after")


@dataclass
class Trial:
    """One command that is killed again and again."""

    stage: Stage
    initial: Files = field(default_factory=dict)
    final: Files = field(default_factory=dict)
    tally: collections.Counter[str] = field(default_factory=collections.Counter)
    faults: list[str] = field(default_factory=list)
    slowest: float = 0.0  # seconds until the guests of a killed command were gone

    @classmethod
    def of(cls, scenario: Scenario, folder: Path) -> Trial:
        """Prepare the stage, and see what an undisturbed run does."""
        stage = Stage(scenario, folder / scenario.name.replace(", ", "-"))
        stage.folder.mkdir()
        stage.build()
        stage.fresh()
        initial = files_in(stage.now)
        stage.measure()
        return cls(stage, initial, files_in(stage.now))

    def at_moment(self, chance: random.Random) -> None:
        """Kill it once at a random moment."""
        seconds = chance.uniform(0, BEYOND * self.stage.duration)
        self._kill(f"after {seconds:.3f} s", lambda: self.stage.kill_after(seconds))

    def at_step(self, number: int) -> None:
        """Kill it before its change of a file of this number (from 1)."""
        place = f"before step {number} ({self.stage.steps[number - 1]})"
        self._kill(place, lambda: self.stage.kill_before_step(number))

    def _kill(self, place: str, kill: Callable[[], bool]) -> None:
        self.stage.fresh()
        was_running = kill()
        faults = list(self._guests_left())
        self.tally["in time"] += was_running
        self.tally[self._when()] += 1
        faults += self._work_lost()
        self.faults += [f"{self.stage.scenario.name}, {place}: {fault}" for fault in faults]

    def _when(self) -> str:
        """Where the kill hit: before any file was changed, after all were, or during."""
        found = files_in(self.stage.now)
        if found == self.initial:
            return "before"
        is_kept = backups_in(self.final) <= backups_in(found)
        return "after" if is_kept and work_in(found) == work_in(self.final) else "during"

    def _guests_left(self) -> Iterator[str]:
        seconds = self.stage.seconds_until_guests_are_gone()
        self.slowest = max(self.slowest, seconds)
        if seconds >= GONE_WITHIN:
            yield f"guests or their folders are left: {list(self.stage.guests.iterdir())}"

    def _work_lost(self) -> Iterator[str]:
        stage = self.stage
        yield from faults_after_kill(stage.now, self.initial, self.final)
        age_temporary_files(stage.now)
        try:
            stage.run()
        except RuntimeError as error:
            yield f"the second run failed: {error}"
            return
        yield from faults_after_repeat(stage.now, self.final)

    def row(self) -> str:
        """Its line of the table."""
        times = "".join(f"{self.tally[when]:>8}" for when in WHEN)
        total = sum(self.tally[when] for when in WHEN)
        name, faults = self.stage.scenario.name, len(self.faults)
        return (
            f"{name:<18}{self.stage.duration:>8.2f}{total:>7}{self.tally['in time']:>9}{times}"
            f"{self.slowest:>9.2f}{faults:>8}"
        )


def head() -> str:
    """The first line of the table."""
    names = "".join(f"{when:>8}" for when in WHEN)
    return (
        f"{'command':<18}{'seconds':>8}{'kills':>7}{'in time':>9}{names}{'guests':>9}{'faults':>8}"
    )


def main() -> int:
    """Run it; the exit code."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--every-step", action="store_true")
    told = parser.parse_args()
    chance = random.Random(told.seed)
    faults = []
    with tempfile.TemporaryDirectory() as folder:
        print(head(), flush=True)
        for number, scenario in enumerate(SCENARIOS):
            trial = Trial.of(scenario, Path(folder).resolve())
            if told.every_step:
                for step in range(1, len(trial.stage.steps) + 1):
                    trial.at_step(step)
            else:
                for _ in range(number, told.kills, len(SCENARIOS)):
                    trial.at_moment(chance)
            print(trial.row(), flush=True)
            faults += trial.faults
    print("\n".join(faults) or "No fault.")
    return bool(faults)


if __name__ == "__main__":
    sys.exit(main())
