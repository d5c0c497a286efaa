"""Some kills of each command, seeded; `kills.py` makes as many as wanted."""

from __future__ import annotations

import random

import pytest
from kills import Trial
from stage import SCENARIOS, Scenario
from state import PROGRESS, faults_after_kill

MOMENTS, STEPS = 2, 3  # kills of each command: at random moments, before random changes of files
WORK = "modules/01_number/01_number.ipynb"
BUILT = "tinytorch/core/number.py"


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda scenario: scenario.name)
def test_nothing_is_lost(scenario: Scenario, tmp_path):
    trial = Trial.of(scenario, tmp_path)
    chance = random.Random(scenario.name)
    for _ in range(MOMENTS):
        trial.at_moment(chance)
    for step in chance.sample(range(1, len(trial.stage.steps) + 1), STEPS):
        trial.at_step(step)
    assert trial.faults == []
    assert trial.tally["before"] + trial.tally["during"] + trial.tally["after"] == MOMENTS + STEPS


# -- what would be a fault -------------------------------------------------------------------------

BEFORE = {PROGRESS: b'{"current": null}', WORK: b"mine", BUILT: b"one = 1"}
AFTER = {PROGRESS: b'{"current": "01"}', WORK: b"fresh", BUILT: b"one = 2"}


@pytest.fixture
def found(tmp_path):
    """Write the files of a workspace; what is wrong with it."""

    def look(files: dict[str, bytes]) -> list[str]:
        for name, content in files.items():
            (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / name).write_bytes(content)
        return list(faults_after_kill(tmp_path, BEFORE, AFTER))

    return look


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        ({WORK: b"fresh"}, "no backup"),
        ({BUILT: b"one = 2"}, "no backup"),
        ({WORK: b"fr"}, "neither the old one nor the new one"),
        ({BUILT: b""}, "neither the old one nor the new one"),
        ({PROGRESS: b'{"current": '}, "cannot be read"),
        ({PROGRESS: b"{}"}, "neither the old one nor the new one"),
        ({"notes.txt": b"?"}, "neither the old one nor the new one"),
    ],
)
def test_a_loss_is_a_fault(found, change, fault):
    assert any(fault in text for text in found(BEFORE | change))


def test_a_backup_makes_it_none(found):
    kept = {f".tinytorch/backups/1/{name}": content for name, content in BEFORE.items()}
    assert found(BEFORE) == []
    assert found(BEFORE | kept | {WORK: b"fresh"}) == []
    assert found(AFTER | kept) == []
