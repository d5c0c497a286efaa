"""`tito milestone run` as an event, and how `tito module complete` ends."""

from __future__ import annotations

import json

import pytest
from planted import solve

from tito.curriculum.curriculum import Curriculum

METRICS = {"accuracy": {"mean": 0.95, "std": 0.0, "values": [0.95]}}
LEARNED = {
    "milestone": "01", "part": 1, "metrics": METRICS, "seconds": 1.0, "plot": "/far/away/plot.png",
    "said": {"accuracy_before": "50.0 %", "accuracy": "95.0 %", "loss": "0.2"},
    "moral": "People counted " + 20 * "and counted ",
}  # fmt: skip
OBJECTIVES = (
    "## What you will be able to do\n\n1. **Double** any number $x$, and\n   `say` why.\n2. Rest."
)
LAST = "## What this unlocks\n\nTry:\n\n```python\nfrom tinytorch import Number\nNumber(4)\n```"


@pytest.fixture
def first_done(tito, workspace):
    """A workspace with Module 01 completed."""
    solve(workspace, workspace.curriculum.module(1))
    assert tito("module", "complete", "1", cwd=workspace.root).exit_code == 0
    return workspace


@pytest.fixture
def opened(monkeypatch) -> list[str]:
    """What would have been shown on a screen."""
    paths: list[str] = []
    monkeypatch.setattr("tito.milestones.picture.open_picture", lambda p: not paths.append(str(p)))
    monkeypatch.setattr("tito.milestones.runner.run_part", lambda *_: dict(LEARNED))
    return paths


def test_a_run_is_told_in_order(tito, first_done, opened):
    done = tito("milestone", "run", "1", "--part", "1")
    assert done.exit_code == 0, done.output
    order = [
        "met", "Accuracy: 50.0 % before learning, 95.0 % after.", "Also measured:", "loss",
        "Picture, opened: /far/away/plot.png", "People counted and counted", "Made with ",
        "every one of which you wrote or can explain.", "Next: tito module start 02",
    ]  # fmt: skip
    places = [done.stdout.index(text) for text in order]
    assert places == sorted(places)
    assert max(map(len, done.stdout.splitlines())) <= 80
    assert opened == ["/far/away/plot.png"]


def test_json_stays_pure_and_opens_nothing(tito, first_done, opened):
    done = tito("milestone", "run", "1", "--part", "1", "--json")
    (result,) = json.loads(done.stdout)["results"]
    assert result["moral"] == LEARNED["moral"] and opened == []


def test_the_next_part_comes_with_its_command(tito, first_done, opened):
    solve(first_done, first_done.curriculum.module(2))
    tito("module", "complete", "2")
    done = tito("milestone", "run", "1", "--part", "1")
    assert done.stdout.endswith(
        "Next: Counting, part 2: By machine (fetches mnist)\n"
        "  tito milestone run counting --part 2\n"
    )


def test_outside_a_workspace_the_pride_is_the_references(tito, tmp_path, opened):
    done = tito("milestone", "run", "1", "--part", "1", cwd=tmp_path)
    assert "Made with the reference framework's" in done.stdout and "you wrote" not in done.stdout


def test_info_tells_the_story_first(tito, workspace):
    info = tito("milestone", "info", "counting", cwd=workspace.root).stdout
    assert info.index("People counted on fingers.") < info.index("Part 1: On fingers")
    assert info.endswith("More: milestones/01_1900_counting/README.md\n")


# -- the end of a module ---------------------------------------------------------------------------


def test_a_completed_module_says_what_one_can_do_and_what_to_try(tito, workspace):
    module = workspace.curriculum.module(1)
    text = module.source.read_text(encoding="utf-8")
    ending = f'\n# %% [markdown]\n"""\n{OBJECTIVES}\n"""\n\n# %% [markdown]\n"""\n{LAST}\n"""\n'
    module.source.write_text(text + ending, encoding="utf-8")
    told = Curriculum.load(workspace.curriculum.root)
    solve(workspace, module)
    done = tito("module", "complete", "1", cwd=workspace.root, obj=told)
    assert "You can now double any number x, and say why.\n" in done.stdout
    assert "Try it in Python:\nfrom tinytorch import Number\nNumber(4)\n" in done.stdout
    assert "Your code is now tinytorch/core/number.py.\n" in done.stdout
    assert (
        "Milestone 01 (Counting, 1900), part 1 can run now:\n"
        "  tito milestone run counting --part 1\n" in done.stdout
    )


def test_without_a_snippet_it_is_the_facades_import(tito, workspace):
    solve(workspace, workspace.curriculum.module(1))
    done = tito("module", "complete", "1", cwd=workspace.root)
    assert "Try it in Python:\nfrom tinytorch import Number\n" in done.stdout
    assert "You can now" not in done.stdout


@pytest.mark.parametrize(("needs", "count"), [("[2]", "1 module"), ("[2, 3]", "2 modules")])
def test_how_far_the_next_milestone_is(tito, workspace, needs, count):
    manifest = workspace.curriculum.root / "src" / "curriculum.toml"
    text = manifest.read_text(encoding="utf-8")
    text = text.replace("needs = [1]\n", f"needs = {needs}\n").replace("[1, 2]", needs)
    manifest.write_text(text, encoding="utf-8")
    solve(workspace, workspace.curriculum.module(1))
    told = Curriculum.load(workspace.curriculum.root)
    done = tito("module", "complete", "1", cwd=workspace.root, obj=told)
    numbers = "02" if needs == "[2]" else "02, 03"
    assert f"{count} to the next milestone: {numbers}, then Counting (1900), part 1." in done.stdout
