"""The progress file: readable, atomic, tolerant of the unknown, rebuilt when it is damaged."""

from __future__ import annotations

import json

import pytest
from planted import solve

from tito.curriculum.manifest import load_manifest
from tito.files import write_atomic
from tito.workspace.completion import complete_work, export_work
from tito.workspace.progress import Progress, changed_progress

NUMBER, SUMS = 1, 2
DAMAGED = {
    "truncated": '{"version": 1, "modules": {"01": {"comp',
    "empty": "",
    "a list": "[1, 2]",
    "modules as text": '{"modules": "01"}',
    "an entry that is no object": '{"modules": {"01": true}}',
    "a key that is no number": '{"modules": {"one": {}}}',
    "milestone parts as list": '{"modules": {}, "milestones": {"01": {"parts": [1]}}}',
    "null bytes": "\0\0\0\0",
}


def module(number: int):
    return load_manifest().module(number)


def finish(workspace, number: int) -> None:
    solve(workspace.notebook(module(number)), module(number))
    assert complete_work(workspace, module(number)).report.passed


def test_a_new_progress_is_readable_and_empty(workspace):
    progress = Progress.load(workspace)
    assert progress.completed == ()
    assert progress.current is None
    assert progress.missing((1, 2)) == [1, 2]
    text = workspace.progress_path.read_text(encoding="utf-8")
    assert text.endswith("}\n") and "\n  " in text


def test_what_is_recorded_comes_back(workspace):
    with changed_progress(workspace) as progress:
        progress.start(module(NUMBER))
        progress.record_hint(module(NUMBER), "number_double", 2)
        progress.record_hint(module(NUMBER), "number_double", 1)
    again = Progress.load(workspace)
    assert again.current == "01"
    assert again.hint_level(module(NUMBER), "number_double") == 2
    assert again.hint_level(module(NUMBER), "number_value") == 0
    assert again.entry(module(SUMS)) == {}


def test_first_start_and_first_completion_stay(workspace):
    finish(workspace, NUMBER)
    with changed_progress(workspace) as progress:
        entry = progress.data["modules"]["01"]
        entry["started"] = "2026-01-01T08:00:00+01:00"
        entry["completed"] = "2026-01-02T08:00:00+01:00"
    finish(workspace, NUMBER)
    entry = Progress.load(workspace).entry(module(NUMBER))
    assert entry["started"].startswith("2026-01-01")
    assert entry["completed"].startswith("2026-01-02")
    assert entry["points"] == entry["max_points"] == 5


def test_unknown_fields_are_preserved(workspace):
    data = json.loads(workspace.progress_path.read_text(encoding="utf-8"))
    data["from_the_future"] = {"x": [1]}
    data["modules"]["01"] = {"mood": "good"}
    workspace.progress_path.write_text(json.dumps(data), encoding="utf-8")
    with changed_progress(workspace) as progress:
        progress.start(module(NUMBER))
    saved = json.loads(workspace.progress_path.read_text(encoding="utf-8"))
    assert saved["from_the_future"] == {"x": [1]}
    assert saved["modules"]["01"]["mood"] == "good"
    assert saved["modules"]["01"]["started"]


def test_a_failed_change_is_not_saved(workspace):
    before = workspace.progress_path.read_bytes()
    with pytest.raises(RuntimeError), changed_progress(workspace) as progress:
        progress.start(module(NUMBER))
        raise RuntimeError
    assert workspace.progress_path.read_bytes() == before


def test_milestone_results(workspace):
    milestone = load_manifest().milestone("counting")
    with changed_progress(workspace) as progress:
        progress.record_milestone(milestone, milestone.parts[1], {"metrics": {"a": 1}})
        progress.record_milestone(milestone, milestone.parts[1], {"metrics": {"a": 2}})
    results = Progress.load(workspace).milestone_results(milestone)
    assert results.keys() == {2}
    assert results[2]["metrics"] == {"a": 2}


@pytest.mark.parametrize("damage", DAMAGED)
def test_damaged_file_is_kept_and_rebuilt_from_the_work(workspace, damage):
    finish(workspace, NUMBER)
    solve(workspace.notebook(module(SUMS)), module(SUMS), sums_total="class Total:\n    pass\n")
    export_work(workspace, module(SUMS))
    write_atomic(workspace.progress_path, DAMAGED[damage])

    progress = Progress.load(workspace)

    assert progress.completed == (1,)
    assert progress.entry(module(NUMBER))["points"] == 5
    kept = [path for path in workspace.backups_dir.rglob("progress.json")]
    assert [path.read_text(encoding="utf-8") for path in kept] == [DAMAGED[damage]]
    said = "\n".join(progress.notices)
    assert str(kept[0]) in said
    assert "complete are 01." in said
    assert "Module 02 (Sums) is exported but not complete" in said
    assert "Not recoverable" in said
    assert Progress.load(workspace).notices == []  # saved: told once


def test_missing_file_is_rebuilt_too(workspace):
    finish(workspace, NUMBER)
    workspace.progress_path.unlink()
    progress = Progress.load(workspace)
    assert progress.completed == (1,)
    assert not list(workspace.backups_dir.rglob("progress.json"))


def test_rebuilding_does_not_take_an_export_on_trust(workspace):
    """The exported file exists, but the learner's own file no longer passes."""
    finish(workspace, NUMBER)
    solve(
        workspace.notebook(module(NUMBER)),
        module(NUMBER),
        number_double="#| export\ndef double(x):\n    return x\n",
    )
    workspace.progress_path.write_text("{", encoding="utf-8")
    progress = Progress.load(workspace)
    assert progress.completed == ()
    assert any("3 of 5 points" in line for line in progress.notices)


def test_rebuilding_survives_a_damaged_notebook(workspace):
    finish(workspace, NUMBER)
    workspace.notebook(module(NUMBER)).write_text("{", encoding="utf-8")
    workspace.progress_path.write_text("{", encoding="utf-8")
    progress = Progress.load(workspace)
    assert progress.completed == ()
    assert any("exported but not complete" in line for line in progress.notices)
