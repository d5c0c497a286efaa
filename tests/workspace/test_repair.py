"""A lost progress is recovered from the work: judged again, never taken on trust."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace as Plain

import pytest
from progress_kit import report

from tito.errors import TitoError
from tito.workspace.layout import Workspace
from tito.workspace.progress import Progress, changed_progress
from tito.workspace.repair import rebuild

EXPORTED = 1_700_000_000  # seconds since 1970: when the modules were exported, in 2023


def module(number: int) -> Plain:
    """A module that builds on all before it."""
    return Plain(
        id=f"{number:02d}", number=number, label=f"Module {number:02d}",
        prerequisites=tuple(range(1, number)), export_paths={"m": Path(f"m{number}.py")},
    )  # fmt: skip


ONE, TWO, THREE = (module(number) for number in (1, 2, 3))


@dataclass(frozen=True)
class Bench(Workspace):
    """A workspace whose exported and prebuilt modules are given."""

    own: list[int] = field(default_factory=list)
    prebuilt: list[int] = field(default_factory=list)

    def own_sources(self):
        return {number: {} for number in self.own}

    def sources(self):
        return {number: {} for number in [*self.own, *self.prebuilt]}


@pytest.fixture
def workspace(tmp_path) -> Bench:
    """A workspace of three modules, of which none is exported yet; its progress is sound."""
    modules = (ONE, TWO, THREE)
    for each in modules:
        (tmp_path / each.export_paths["m"]).write_text("")
        os.utime(tmp_path / each.export_paths["m"], (EXPORTED, EXPORTED))
    workspace = Bench(tmp_path, Plain(modules=modules, available=modules))
    Progress.empty(workspace).save()
    return workspace


@pytest.fixture
def verdicts(monkeypatch):
    """Module number → what judging it again gives: a report, or an error to raise."""
    given = {}

    def judge_again(workspace, number):
        if isinstance(given[number], Exception):
            raise given[number]
        return Plain(digest=f"digest {number}"), given[number]

    monkeypatch.setattr("tito.workspace.testing.judge_again", judge_again)
    return given


def lose(workspace: Workspace) -> None:
    workspace.progress_path.write_text('{"modules": ', encoding="utf-8")


def test_a_sound_progress_is_returned_and_nothing_judged(workspace, verdicts):
    workspace.own.append(1)
    with changed_progress(workspace) as progress:
        progress.start(ONE)
    before = workspace.progress_path.read_bytes()
    progress = rebuild(workspace)
    assert (progress.current, progress.notices) == ("01", [])
    assert workspace.progress_path.read_bytes() == before


def test_what_passes_again_is_complete_again(workspace, verdicts):
    workspace.own.extend([1, 2])
    verdicts.update({1: report(5, a="passed"), 2: report(3, b="failed")})
    lose(workspace)
    progress = rebuild(workspace)
    assert (progress.completed, progress.current) == ((1,), "01")
    first = progress.entry(ONE)
    assert first.completed.startswith("2023-11-1") and first.exported == first.completed
    assert (first.started, first.points, first.max_points) == (None, 5, 5)
    assert progress.status_of(ONE, "digest 1") == {"a": "passed"}
    assert progress.status_of(TWO, "digest 2") == {"b": "failed"}
    said = "\n".join(progress.notices)
    assert "was unusable: not valid JSON at line 1" in said
    assert "complete are 01." in said
    assert "Module 02 is exported but not complete: 3 of 5 points" in said
    assert "Not recoverable" in said
    (kept,) = workspace.backups_dir.rglob("progress.json")
    assert kept.read_text(encoding="utf-8") == '{"modules": ' and str(kept) in said


def test_it_is_told_and_done_once(workspace, verdicts):
    workspace.own.append(1)
    verdicts[1] = report(5)
    lose(workspace)
    rebuild(workspace)
    verdicts.clear()
    progress = rebuild(workspace)
    assert (progress.completed, progress.notices, progress.lost) == ((1,), [], "")


def test_what_was_recorded_since_the_loss_stays(workspace, verdicts):
    workspace.own.append(1)
    verdicts[1] = report(5)
    lose(workspace)
    with changed_progress(workspace) as progress:
        progress.start(THREE)
        progress.record_hint(ONE, "a", 2)
    progress = rebuild(workspace)
    assert (progress.completed, progress.current) == ((1,), "03")
    assert progress.hint_level(ONE, "a") == 2
    assert progress.entry(THREE).started


def test_a_module_upon_one_that_fails_is_not_judged(workspace, verdicts):
    workspace.own.extend([1, 2])
    verdicts[1] = report(5, complete=False)
    lose(workspace)
    progress = rebuild(workspace)
    assert progress.completed == ()
    said = "\n".join(progress.notices)
    assert "Module 01 is exported but not complete: it does not work together" in said
    assert "Module 02 is exported but not complete: a module before it is not complete" in said
    assert progress.entry(TWO).is_begun


def test_prebuilt_modules_count_as_sound(workspace, verdicts):
    workspace.prebuilt.extend([1, 2])
    workspace.own.append(3)
    verdicts[3] = report(5)
    lose(workspace)
    assert rebuild(workspace).completed == (3,)


def test_work_that_cannot_be_read_is_said(workspace, verdicts):
    workspace.own.append(1)
    verdicts[1] = TitoError("The notebook is damaged.")
    lose(workspace)
    progress = rebuild(workspace)
    assert progress.completed == ()
    assert any("not complete: The notebook is damaged." in line for line in progress.notices)


def test_a_missing_file_and_an_empty_package(workspace):
    workspace.progress_path.unlink()
    progress = rebuild(workspace)
    assert any("you start at the beginning" in line for line in progress.notices)
    assert workspace.progress_path.is_file() and not workspace.backups_dir.exists()
    assert rebuild(workspace).notices == []


def test_loading_never_judges(workspace, verdicts):
    workspace.own.append(1)  # there is no verdict: judging it would be a KeyError
    lose(workspace)
    assert Progress.load(workspace).lost
    with changed_progress(workspace) as progress:
        progress.start(ONE)
    with pytest.raises(KeyError):
        rebuild(workspace)


def test_a_newer_file_is_not_rebuilt(workspace, verdicts):
    workspace.progress_path.write_text('{"version": 99, "lost": "why"}', encoding="utf-8")
    before = workspace.progress_path.read_bytes()
    assert rebuild(workspace).is_newer
    assert workspace.progress_path.read_bytes() == before
