"""`tito setup --track` and what the other commands make of it."""

from __future__ import annotations

import json

import pytest
from planted import solve

from tito.package.writer import PREBUILT_MARK


def choose(tito, workspace, track: str) -> str:
    done = tito("setup", "--track", track, cwd=workspace.root)
    assert done.exit_code == 0, done.output
    return done.output


def test_setup_says_what_is_built_and_what_is_given(tito, workspace):
    said = choose(tito, workspace, "2")
    assert "Track own (Module 02): you build 02; prebuilt: 01." in said
    assert "number.py" in said  # one of the files that changed
    assert "prebuilt" not in choose(tito, workspace, "1-3")


def test_a_new_workspace_on_a_track(tito, curriculum, tmp_path):
    done = tito("setup", "here", "--track", "2", cwd=tmp_path)
    assert done.exit_code == 0, done.output
    given = tmp_path / "here" / "tinytorch" / "core" / "number.py"
    assert given.read_text(encoding="utf-8").startswith(PREBUILT_MARK)
    started = tito("module", "start", "--no-open", cwd=tmp_path / "here")
    assert "Module 02 (Sums)" in started.output


@pytest.mark.parametrize("track", ["nowhere", "4", "2-1", ""])
def test_an_unknown_track_makes_nothing(tito, curriculum, tmp_path, track):
    done = tito("setup", "here", "--track", track, cwd=tmp_path)
    assert done.exit_code == 2
    assert "There is no track" in done.output and "14-19" in done.output
    assert not (tmp_path / "here").exists()


def test_status_shows_the_track(tito, workspace):
    choose(tito, workspace, "2")
    shown = tito("module", "status")
    assert "prebuilt" in shown.output
    assert "Track: own (Module 02)." in shown.output
    assert "Next: tito module start 02" in shown.output
    data = json.loads(tito("module", "status", "--json").stdout)
    assert data["track"] == {"name": "own", "build": [2], "prebuilt": [1]}
    assert [row["state"] for row in data["modules"]] == ["prebuilt", "ready", "later release"]
    assert data["current"] == "02"


def test_a_module_upon_what_is_given_can_be_started_tested_and_completed(tito, workspace):
    choose(tito, workspace, "2")
    assert tito("module", "start", "2", "--no-open").exit_code == 0
    solve(workspace, workspace.curriculum.module(2))
    assert tito("module", "test").exit_code == 0
    done = tito("module", "complete")
    assert "Module 02 (Sums) is complete: 3 points." in done.output
    assert tito("module", "start", "--no-open").exit_code == 1  # nothing is left to do
    found = json.loads(tito("system", "doctor", "--json").stdout)["findings"]
    states = {finding["subject"]: finding["state"] for finding in found}
    assert (states["package"], states["notebooks"], states["progress"]) == ("ok", "ok", "ok")


def test_milestones_accept_what_is_given(tito, workspace):
    choose(tito, workspace, "2")
    rows = json.loads(tito("milestone", "list", "--json").stdout)
    assert [row["state"] for row in rows] == ["ready", "needs 02"]
    done = tito("milestone", "run", "counting", "--part", "1", "--json")
    assert done.exit_code == 0, done.output
    (result,) = json.loads(done.stdout)["results"]
    assert result["package"] == str(workspace.package_dir / "__init__.py")


def test_setup_without_a_track_keeps_the_one_chosen(tito, workspace):
    choose(tito, workspace, "2")
    assert "Nothing was changed" in tito("setup").output
    assert json.loads(tito("module", "status", "--json").stdout)["track"]["build"] == [2]
