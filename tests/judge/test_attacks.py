"""One table: attack × tier → no pass, a reason, bounded time, no survivor, nothing touched."""

from __future__ import annotations

import os
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from attacking import BODY
from attacks import ANYWHERE, WALLED
from guests import bubblewrap, eventually
from test_judge_hostile import PATCHES, TRICKS

from tito.judge import Judge, Limits, Profile
from tito.sandbox.host.bubblewrap import FIRST_STRANGER, STRANGERS
from tito.sandbox.host.local import MARK

LIMITS = Limits(load_seconds=3.0, exercise_seconds=2.0, megabytes=1024, file_megabytes=64, deaths=3)
SECONDS = 90  # for a judgement that ends at all, on a busy machine
HOSTILE = {f"patch {n}": (text, "return 7.0") for n, text in enumerate(PATCHES)}
HOSTILE |= {name: ("", body) for name, body in TRICKS.items()}

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the table is Linux's")


def judged(bench, tier, cells):
    judge = Judge(bench.curriculum, Profile(hints=False, limits=LIMITS), tier)
    return judge.judge(bench.module, cells, {})


@pytest.fixture
def survivors(monkeypatch, tmp_path) -> Callable[[], list[str]]:
    """Names the processes that the guests of this test left, and no others of this machine."""
    number = os.getpid() * 8 % STRANGERS
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    monkeypatch.setattr("tito.sandbox.host.bubblewrap._stranger", lambda: number)
    mark = f"{MARK}={tmp_path}".encode()

    def is_ours(process: Path) -> bool:
        try:
            if (process / "stat").read_text().rpartition(")")[2].split()[0] == "Z":
                return False
            stranger = process.stat().st_uid == FIRST_STRANGER + number
            return stranger or mark in (process / "environ").read_bytes()
        except OSError:
            return False

    return lambda: [p.name for p in Path("/proc").glob("[0-9]*") if is_ours(p)]


def hold(bench, tier, attack) -> None:
    """What must hold for every attack in every tier."""
    before, body = attack
    source = BODY.format(before=before, body=body.replace("\n", "\n    "))
    begun = time.monotonic()
    report = judged(bench, tier, bench.solve("toy_mean", source))
    assert time.monotonic() - begun < SECONDS
    result = report.results[1]
    assert (report.passed, result.status, result.points) == (False, "failed", 0)
    assert str(result.failure.reason).endswith((".", "!", "?")) and result.failure.where
    assert report.isolation == tier


@pytest.mark.parametrize("attack", ANYWHERE.values(), ids=ANYWHERE)
def test_attack_local(bench, survivors, attack):
    hold(bench, "local", attack)
    assert eventually(lambda: not survivors())
    assert not list(bench.root.glob("tinytorch-guest-*"))


@pytest.mark.parametrize(
    "attack",
    [*ANYWHERE.values(), *WALLED.values(), *HOSTILE.values()],
    ids=[*ANYWHERE, *WALLED, *HOSTILE],
)
def test_attack_bubblewrap(bench, survivors, attack):
    bubblewrap()
    hold(bench, "bubblewrap", attack)
    assert eventually(lambda: not survivors())


@pytest.mark.parametrize("tier", ["local", "bubblewrap"])
def test_the_next_submission_is_unaffected(bench, tier):
    if tier == "bubblewrap":
        bubblewrap()
    for attack in ("a random state of zeros", "a child in its own session", "many threads"):
        hold(bench, tier, ANYWHERE[attack])
        assert judged(bench, tier, bench.cells).passed
