"""The progress file: readable, typed, tolerant of the unknown and of damage."""

from __future__ import annotations

import json
import math
import os
from pathlib import Path

import pytest
from progress_kit import COUNTING, ONE, TWO, desk, report

from tito.errors import TitoError
from tito.workspace.layout import Workspace
from tito.workspace.progress import Progress, changed_progress
from tito.workspace.records import VERSION, TrackChoice

V1 = Path(__file__).with_name("progress_v1.json")
SINCE = "2026-01-01T08:00:00+01:00"


@pytest.fixture
def workspace(tmp_path) -> Workspace:
    """A workspace in which nothing has been done."""
    workspace = desk(tmp_path / "work")
    Progress.empty(workspace).save()
    return workspace


def stored(workspace: Workspace) -> dict:
    return json.loads(workspace.progress_path.read_text(encoding="utf-8"))


def store(workspace: Workspace, data: object) -> None:
    text = data if isinstance(data, str) else json.dumps(data)
    workspace.progress_path.write_text(text, encoding="utf-8")


def backups(workspace: Workspace) -> list[str]:
    found = workspace.backups_dir.rglob("progress.json")
    return [path.read_text(encoding="utf-8") for path in found]


# -- what is recorded ------------------------------------------------------------------------------


def test_a_new_progress_is_readable_and_empty(workspace):
    progress = Progress.load(workspace)
    assert (progress.completed, progress.current, progress.track) == ((), None, None)
    assert (progress.notices, progress.lost) == ([], "")
    assert not progress.entry(ONE).is_begun
    assert stored(workspace) == {
        "version": VERSION, "current": None, "modules": {}, "milestones": {}
    }  # fmt: skip
    text = workspace.progress_path.read_text(encoding="utf-8")
    assert text.endswith("}\n") and "\n  " in text


def test_what_is_recorded_comes_back(workspace):
    with changed_progress(workspace) as progress:
        progress.start(ONE)
        progress.record_hint(ONE, "number_double", 2)
        progress.record_hint(ONE, "number_double", 1)
        progress.record_export(ONE)
        progress.record_tests(ONE, report(3, a="passed", b="failed"), "abc")
    again = Progress.load(workspace)
    entry = again.entry(ONE)
    assert again.current == "01" and entry.is_begun
    assert (again.hint_level(ONE, "number_double"), again.hint_level(ONE, "other")) == (2, 0)
    assert (entry.tests.points, entry.tests.max_points, entry.tests.integration) == (3, 5, None)
    assert again.status_of(ONE, "abc") == {"a": "passed", "b": "failed"}
    assert again.status_of(ONE, "another file") is None
    assert entry.exported and not entry.completed
    assert not again.entry(TWO).is_begun


def test_first_start_and_first_completion_stay(workspace):
    store(workspace, {"modules": {"01": {"started": SINCE, "completed": SINCE}}})
    with changed_progress(workspace) as progress:
        progress.record_tests(ONE, report(5), "abc")
        progress.complete(ONE, report(5))
    entry = Progress.load(workspace).entry(ONE)
    assert (entry.started, entry.completed, entry.points, entry.max_points) == (SINCE, SINCE, 5, 5)


@pytest.mark.parametrize("complete", [True, False])
def test_the_verdict_on_integration_is_recorded(workspace, complete):
    with changed_progress(workspace) as progress:
        progress.record_tests(ONE, report(5, complete=complete), "abc")
    assert Progress.load(workspace).entry(ONE).tests.integration is complete


def test_forgetting_an_attempt_keeps_the_completion(workspace):
    with changed_progress(workspace) as progress:
        progress.record_tests(ONE, report(5, a="passed"), "abc")
        progress.record_hint(ONE, "a", 3)
        progress.complete(ONE, report(5))
    with changed_progress(workspace) as progress:
        progress.forget_attempt(ONE)
    again = Progress.load(workspace)
    assert again.completed == (1,)
    assert (again.hint_level(ONE, "a"), again.status_of(ONE, "abc")) == (0, None)


def test_a_failed_change_is_not_saved(workspace):
    before = workspace.progress_path.read_bytes()
    with pytest.raises(RuntimeError), changed_progress(workspace) as progress:
        progress.start(ONE)
        raise RuntimeError
    assert workspace.progress_path.read_bytes() == before


def test_milestone_results(workspace):
    first = {"metrics": {"a": {"mean": 1, "values": [1, True]}}, "title": "On fingers"}
    with changed_progress(workspace) as progress:
        progress.record_milestone(COUNTING, COUNTING.parts[1], first)
        progress.record_milestone(
            COUNTING, COUNTING.parts[1], {**first, "seconds": 2, "full": False}
        )
    results = Progress.load(workspace).milestone_results(COUNTING)
    assert results.keys() == {2}
    assert results[2]["metrics"] == {"a": {"mean": 1, "values": [1, True]}}
    assert (results[2]["title"], results[2]["full"], results[2]["seconds"]) == (
        "On fingers", False, 2
    )  # fmt: skip


def test_a_metric_that_is_no_number_survives(workspace):
    with changed_progress(workspace) as progress:
        progress.record_milestone(
            COUNTING, COUNTING.parts[0], {"metrics": {"loss": {"mean": math.nan, "values": []}}}
        )
    assert math.isnan(
        Progress.load(workspace).milestone_results(COUNTING)[1]["metrics"]["loss"]["mean"]
    )


def test_the_track(workspace):
    with changed_progress(workspace) as progress:
        progress.track = TrackChoice(name="foundation", build=(1, 2))
    track = Progress.load(workspace).track
    assert (track.name, track.build) == ("foundation", (1, 2))
    with changed_progress(workspace) as progress:
        progress.track = None
    assert Progress.load(workspace).track is None
    assert "track" not in stored(workspace)


@pytest.mark.parametrize(
    "track", [{"name": "x"}, {"build": [1]}, {"name": "x", "build": ["1"]}, "x",
              {"name": "x", "build": [1, 77]}]
)  # fmt: skip
def test_a_track_that_makes_no_sense_is_none(workspace, track):
    store(workspace, {"track": track, "modules": {"01": {"completed": SINCE}}})
    progress = Progress.load(workspace)
    assert progress.track is None and progress.completed == (1,)


# -- the unknown -----------------------------------------------------------------------------------


def test_unknown_fields_are_kept_everywhere(workspace):
    data = {
        "version": 2,
        "from_the_future": {"x": [1, None]},
        "track": {"name": "x", "build": [1], "mood": 1},
        "modules": {"01": {"mood": "good", "tests": {"time": SINCE, "mood": 2}}},
        "milestones": {"01": {"mood": 3, "parts": {"1": {"mood": 4, "metrics": {"a": {"m": 5}}}}}},
    }
    store(workspace, data)
    with changed_progress(workspace) as progress:
        assert progress.notices == []
        progress.start(TWO)
    saved = stored(workspace)
    assert saved["from_the_future"] == data["from_the_future"]
    assert saved["track"] == data["track"]
    assert saved["modules"]["01"]["mood"] == "good"
    assert saved["modules"]["01"]["tests"]["mood"] == 2
    assert saved["milestones"]["01"]["mood"] == 3
    assert saved["milestones"]["01"]["parts"]["1"]["mood"] == 4
    assert saved["milestones"]["01"]["parts"]["1"]["metrics"]["a"]["m"] == 5


def test_unknown_modules_are_kept_and_ignored(workspace):
    others = {"21": {"completed": SINCE, "points": 9}, "x": 5, "1": {}, "٣": {}, "": None, "-1": []}
    store(workspace, {"current": "21", "modules": {**others, "02": {"completed": SINCE}}})
    with changed_progress(workspace) as progress:
        assert (progress.completed, progress.current, progress.notices) == ((2,), None, [])
        progress.start(ONE)
    saved = stored(workspace)["modules"]
    assert {key: saved[key] for key in others} == others
    assert saved.keys() == {*others, "01", "02"}


# -- damage ----------------------------------------------------------------------------------------

FIELDS = {
    "points: null is nothing": ({"points": None}, None),
    "points as text": ({"points": "5"}, "modules.01.points"),
    "negative points": ({"points": -1}, "modules.01.points"),
    "points beyond all": ({"points": 10**400}, "modules.01.points"),
    "points as an object": ({"points": {}}, "modules.01.points"),
    "points as truth": ({"points": True}, "modules.01.points"),
    "started": ({"started": 7}, "modules.01.started"),
    "control characters": ({"started": "2026\x1b[2J"}, "modules.01.started"),
    "tests": ({"tests": [1]}, "modules.01.tests"),
    "points of the tests": ({"tests": {"points": "x"}}, "modules.01.tests.points"),
    "a result": ({"tests": {"results": {"a": 1}}}, "modules.01.tests.results.a"),
    "results": ({"tests": {"results": "x"}}, "modules.01.tests.results"),
    "integration": ({"tests": {"integration": "x"}}, "modules.01.tests.integration"),
    "hints": ({"hints": [1]}, "modules.01.hints"),
    "a hint": ({"hints": {"a": "x"}}, "modules.01.hints.a"),
    "a hint below zero": ({"hints": {"a": -3}}, "modules.01.hints.a"),
}


@pytest.mark.parametrize("name", FIELDS)
def test_a_damaged_field_costs_that_field_alone(workspace, name):
    damaged, where = FIELDS[name]
    whole = {"completed": SINCE, "hints": {"b": 1}, "tests": {"file": "abc", "results": {}}}
    data = {"current": "01", "modules": {"01": {**whole, **damaged}, "02": {"completed": SINCE}}}
    store(workspace, data)
    progress = Progress.load(workspace)
    assert (progress.completed, progress.current, progress.lost) == ((1, 2), "01", "")
    assert progress.hint_level(ONE, "b") == (0 if "hints" in damaged else 1)
    assert (progress.hint_level(ONE, "a"), progress.entry(ONE).points) == (0, None)
    assert [where in line for line in progress.notices] == ([True] if where else [])
    assert all(line.isprintable() for line in progress.notices)


@pytest.mark.parametrize(
    "data",
    [
        {"version": "x"}, {"version": None}, {"current": 5}, {"milestones": 3},
        {"milestones": {"01": 3}}, {"milestones": {"01": {"parts": [1]}}},
        {"milestones": {"01": {"parts": {"one": 1, "2": None}}}},
        {"milestones": {"01": {"parts": {"2": {"metrics": {"a": "x"}}}}}},
        {"milestones": {"01": {"parts": {"2": {"metrics": {"a": {"values": ["x"]}}}}}}},
        {"lost": 3}, {"track": 3},
    ],
)  # fmt: skip
def test_damage_outside_the_modules_leaves_them(workspace, data):
    store(workspace, {"modules": {"01": {"completed": SINCE}}, **data})
    with changed_progress(workspace) as progress:
        assert (progress.completed, progress.lost) == ((1,), "")
        assert len(progress.notices) >= 1
        progress.milestone_results(COUNTING)
    assert Progress.load(workspace).notices == []


def test_the_damaged_file_is_kept_once_when_it_is_replaced(workspace):
    text = json.dumps({"modules": {"01": {"points": "x", "completed": SINCE}}})
    store(workspace, text)
    Progress.load(workspace)
    assert backups(workspace) == []  # reading changes nothing
    for _ in range(2):
        with changed_progress(workspace) as progress:
            progress.start(TWO)
    assert backups(workspace) == [text]
    assert Progress.load(workspace).notices == []


def test_few_of_many_damaged_fields_are_named(workspace):
    store(workspace, {"modules": {"01": {"hints": {f"e{n}": "x" for n in range(50)}}}})
    notices = Progress.load(workspace).notices
    assert len(notices) == 6 and "45 more" in notices[-1]


UNUSABLE = {
    "truncated": '{"version": 1, "modules": {"01": {"comp',
    "empty": "",
    "a list": "[1, 2]",
    "modules as text": '{"modules": "01"}',
    "null bytes": "\0\0\0\0",
    "nested without end": '{"modules": {"01": {"x": ' + "[" * 200_000,
    "nested too deep to write": '{"modules": {"01": {"x": ' + "[" * 300 + "]" * 300 + "}}}",
    "a number without end": '{"modules": {"01": {"points": ' + "9" * 5000 + "}}}",
    "huge": '{"modules": {}, "x": "' + "x" * 17_000_000 + '"}',
    "not UTF-8": b'{"modules": {}, "x": "\xff"}',
}


@pytest.mark.parametrize("name", UNUSABLE)
def test_an_unusable_file_gives_an_empty_marked_progress(workspace, name):
    content = UNUSABLE[name]
    data = content if isinstance(content, bytes) else content.encode()
    workspace.progress_path.write_bytes(data)
    progress = Progress.load(workspace)
    assert progress.completed == () and progress.lost
    assert "was unusable" in progress.notices[0]
    assert workspace.progress_path.read_bytes() == data  # reading changes nothing
    with changed_progress(workspace) as progress:
        progress.start(ONE)
    (kept,) = workspace.backups_dir.rglob("progress.json")
    assert kept.read_bytes() == data
    again = Progress.load(workspace)
    assert again.current == "01"
    assert again.lost == progress.lost  # until it is rebuilt


def test_a_missing_file_gives_an_empty_marked_progress(workspace):
    workspace.progress_path.unlink()
    progress = Progress.load(workspace)
    assert progress.lost == "it is missing" and not workspace.progress_path.exists()
    with changed_progress(workspace) as progress:
        progress.start(ONE)
    assert Progress.load(workspace).lost == "it is missing"
    assert backups(workspace) == []


def test_half_a_character_and_a_byte_order_mark(workspace):
    store(workspace, '\ufeff{"modules": {"01": {"mood": "\\ud800"}}}')
    with changed_progress(workspace) as progress:
        assert progress.notices == []
        progress.start(ONE)
    assert stored(workspace)["modules"]["01"]["mood"] == "\ud800"


# -- versions --------------------------------------------------------------------------------------


def test_a_file_of_version_1_is_upgraded_without_loss(workspace):
    """The file was written by the tito of version 1, in a run with a completion and a milestone."""
    before = json.loads(V1.read_text(encoding="utf-8"))
    store(workspace, before)
    with changed_progress(workspace) as progress:
        assert progress.notices == []
        assert (progress.completed, progress.current) == ((1,), "02")
        assert progress.entry(ONE).points == 5
        assert progress.status_of(ONE, before["modules"]["01"]["tests"]["file"]) == {
            "number_double": "passed", "number_value": "passed"
        }  # fmt: skip
        assert progress.hint_level(TWO, "sums_total") == 2
        assert progress.milestone_results(COUNTING)[1]["metrics"]["accuracy"]["mean"] == 0.95
    assert stored(workspace) == {**before, "version": VERSION}
    assert backups(workspace) == []


def test_a_file_without_version_is_one_of_version_1(workspace):
    store(workspace, {"modules": {"01": {"completed": "2026-01-01T00:00:00+00:00"}}})
    assert Progress.load(workspace).completed == (1,)


def test_a_file_of_a_newer_version_is_read_and_never_changed(workspace):
    store(workspace, {"version": 3, "modules": {"01": {"completed": SINCE, "points": {"new": 1}}}})
    before = workspace.progress_path.read_bytes()
    progress = Progress.load(workspace)
    assert progress.completed == (1,) and progress.is_newer
    assert len(progress.notices) == 1 and "update this tito" in progress.notices[0]
    with pytest.raises(TitoError, match="newer tito") as refused, changed_progress(workspace):
        pytest.fail("what cannot be recorded is not begun")
    assert "Update" in refused.value.fix
    assert workspace.progress_path.read_bytes() == before
    assert not workspace.backups_dir.exists()


# -- links and permissions -------------------------------------------------------------------------


@pytest.mark.parametrize("what", ["progress.json", "progress.lock", "."])
def test_no_link_is_followed(workspace, tmp_path, what):
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "progress.json").write_text('{"modules": ')
    (outside / "progress.lock").write_text("theirs")
    place = workspace.state_dir / what
    if what == ".":
        workspace.state_dir.rename(tmp_path / "aside")
    else:
        place.unlink(missing_ok=True)
    place.symlink_to(outside / what)
    with pytest.raises(TitoError, match="is a link to another place"), changed_progress(workspace):
        pytest.fail("a link was followed")
    assert (outside / "progress.json").read_text() == '{"modules": '
    assert (outside / "progress.lock").read_text() == "theirs"
    assert sorted(path.name for path in outside.iterdir()) == ["progress.json", "progress.lock"]


def test_a_folder_in_the_place_of_the_file(workspace):
    workspace.progress_path.unlink()
    workspace.progress_path.mkdir()
    with pytest.raises(TitoError, match="is not a file"):
        Progress.load(workspace)


@pytest.mark.skipif(os.name == "nt" or os.geteuid() == 0, reason="root may read everything")
def test_what_may_not_be_read_is_not_called_damaged(workspace):
    workspace.state_dir.chmod(0)
    try:
        with pytest.raises(TitoError, match="Cannot read"):
            Progress.load(workspace)
        with pytest.raises(TitoError, match="Cannot write"), changed_progress(workspace):
            pytest.fail("there is no lock")
    finally:
        workspace.state_dir.chmod(0o755)
