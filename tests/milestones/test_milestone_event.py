"""What surrounds a run: history, before and after, pride that was measured, what comes next."""

from __future__ import annotations

import sys

import pytest
from planted import curriculum, workspace

from tito.curriculum.curriculum import Curriculum
from tito.milestones import picture, telling
from tito.milestones.ahead import nearest, next_run
from tito.milestones.context import Context
from tito.milestones.pride import code_lines, pride
from tito.workspace.progress import changed_progress
from tito.workspace.standing import Standing

__all__ = ["curriculum", "workspace"]

CURRICULUM = Curriculum.load()
TRAINED = CURRICULUM.milestone("perceptron").parts[1]
RESULT = {
    "said": {"accuracy_before": "45.9 %", "accuracy": "99.3 %", "loss": "0.4", "AND_accuracy": "1"}
}


def test_history_is_the_section_that_tells_it():
    text = "# Milestone\n\n## The story\n\nOnce.\n\n## What you run\n\nThis.\n"
    assert telling.history(text) == "Once."


@pytest.mark.parametrize("text", ["# Counting\n\nOnce.\n", "Once.\n"])
def test_history_of_a_short_readme_is_what_opens_it(text):
    assert telling.history(text) == "Once."


def test_before_and_after():
    assert telling.changes(RESULT) == ["Accuracy: 45.9 % before learning, 99.3 % after."]
    assert telling.also_measured(RESULT, TRAINED) == [
        "Also measured:",
        "  loss                   0.4",
        "  AND accuracy           1",
    ]


@pytest.mark.parametrize("result", [{}, {"said": None}, {"said": {"accuracy": "99.3 %"}}])
def test_nothing_beside_the_target_is_no_line(result):
    assert telling.changes(result) == [] and telling.also_measured(result, TRAINED) == []


CODE = '''\
"""A docstring
of two lines."""

import math  # why


# a comment
class A:
    """A docstring."""

    text = """not a
docstring"""

    def f(self):
        """Only this."""
        return (lambda x:
            math.sqrt(x))
'''


def test_lines_of_code_are_counted_without_blanks_comments_and_docstrings():
    assert code_lines(CODE) == 7
    assert code_lines("") == 0


def test_pride_counts_what_the_part_builds_upon(workspace):
    one, two = workspace.curriculum.milestones[0].parts
    path = workspace.package_dir / "core" / "number.py"
    path.write_text("a = 1\n\n\nb = 2\n", encoding="utf-8")
    (workspace.package_dir / "core" / "sums.py").write_text("c = 3\n", encoding="utf-8")
    context = Context(workspace.curriculum, workspace.root, (1, 2), Standing.of(workspace))
    end = "every one of which you wrote or can explain."
    assert pride(context, one) == f"Made with 2 lines of code, {end}"
    assert pride(context, two) == f"Made with 3 lines of code, {end}"


def test_pride_says_what_came_with_the_track(workspace):
    path = workspace.package_dir / "core" / "number.py"
    path.write_text("# tito: prebuilt, the reference solution of 1\na = 1\n", encoding="utf-8")
    (workspace.package_dir / "core" / "sums.py").write_text("c = 3\nd = 4\n", encoding="utf-8")
    context = Context(workspace.curriculum, workspace.root, (1, 2), Standing.of(workspace))
    assert pride(context, workspace.curriculum.milestones[0].parts[1]) == (
        "Made with 3 lines of code: 2 of your own, 1 that came with your track."
    )


def test_pride_in_the_reference_is_the_references(curriculum):
    text = pride(Context(curriculum, curriculum.root, (1, 2)), curriculum.milestones[0].parts[0])
    assert text.startswith("Made with the reference framework's ") and " 0 lines" not in text


def test_the_next_part_is_the_first_that_can_run():
    every = tuple(range(1, 8))
    perceptron, xor = CURRICULUM.milestone("perceptron"), CURRICULUM.milestone("xor")
    context = Context(CURRICULUM, CURRICULUM.root, every)
    first = (perceptron, perceptron.parts[0])
    assert next_run(context, first) == (perceptron, perceptron.parts[1])
    after_six = Context(CURRICULUM, CURRICULUM.root, every[:-1])
    assert next_run(after_six, first) == (xor, xor.parts[0])
    mlp = CURRICULUM.milestone("mlp")
    assert next_run(after_six, (mlp, mlp.parts[0])) is None


def test_a_part_with_a_result_is_not_the_next_one(workspace):
    milestone = workspace.curriculum.milestones[0]
    one, two = milestone.parts
    done = Standing.of(workspace)
    context = Context(workspace.curriculum, workspace.root, (1, 2), done)
    assert next_run(context, (milestone, one)) == (milestone, two)
    with changed_progress(workspace) as progress:
        progress.record_milestone(milestone, two, {"milestone": "01", "part": 2, "metrics": {}})
    again = Context(workspace.curriculum, workspace.root, (1, 2), Standing.of(workspace))
    assert next_run(again, (milestone, one)) is None


def test_the_nearest_milestone_lacks_least(workspace):
    module = workspace.curriculum.module(1)
    run, missing = nearest(Standing.of(workspace), module)
    assert (run[1].number, missing) == (1, [1])
    assert nearest(Standing.of(workspace), workspace.curriculum.module(3)) is None


# -- pictures --------------------------------------------------------------------------------------


@pytest.fixture
def opened(monkeypatch) -> list[str]:
    """A terminal on a computer with a screen; what was opened there."""
    addresses: list[str] = []
    monkeypatch.setattr(picture.webbrowser, "open", lambda uri: not addresses.append(uri))
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True, raising=False)
    for name in ("CI", "SSH_CONNECTION"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("DISPLAY", ":0")
    return addresses


def test_a_picture_is_opened_where_somebody_sees_it(opened, tmp_path):
    assert picture.open_picture(tmp_path / "a b.png")
    assert opened == [(tmp_path / "a b.png").as_uri()]


@pytest.mark.parametrize("name", ["CI", "SSH_CONNECTION"])
def test_automatic_and_distant_runs_open_nothing(opened, monkeypatch, tmp_path, name):
    monkeypatch.setenv(name, "1")
    assert not picture.open_picture(tmp_path / "a.png") and opened == []


def test_without_a_terminal_or_a_screen_nothing_is_opened(opened, monkeypatch, tmp_path):
    monkeypatch.setattr(sys, "platform", "linux")
    for name in ("DISPLAY", "WAYLAND_DISPLAY"):
        monkeypatch.delenv(name, raising=False)
    assert not picture.open_picture(tmp_path / "a.png")
    monkeypatch.setenv("DISPLAY", ":0")
    monkeypatch.setattr(sys.stdout, "isatty", lambda: False, raising=False)
    assert not picture.open_picture(tmp_path / "a.png") and opened == []
