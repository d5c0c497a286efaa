"""What is offered can be had, and what is shown can be typed."""

from __future__ import annotations

import pytest
from planted import NUMBER, answer, exercise, graded_test, solve, write

from tito.curriculum.curriculum import Curriculum
from tito.literate.solutions import without_markers
from tito.workspace.progress import changed_progress
from tito.workspace.setup import create

WRONG = '#| export\ndef double(x):\n    """Return twice x."""\n    return x * x\n'
HUNT = exercise(
    "number_hunt",
    "def hunt(x):\n    ### BEGIN BROKEN\n    # return x\n    ### END BROKEN\n"
    "    ### BEGIN SOLUTION\n    return x + 1\n    ### END SOLUTION\n",
).replace('"task": false}', '"task": false} tinytorch={"kind": "bug hunt"}')
OPEN = exercise(
    "number_open_way",
    'def way(x):\n    """Any."""\n    ### BEGIN SOLUTION\n    return x\n    ### END SOLUTION\n',
).replace('"task": false}', '"task": false} tinytorch={"kind": "open"}')
USING = exercise(
    "number_using",
    "def using(x):\n    ### BEGIN SOLUTION\n    return double(x)\n    ### END SOLUTION\n",
)


def graded(name: str, call: str, value: int) -> str:
    code = f"def test_{name}():\n    check.equal({call}, {value}, given='{call}')\n"
    code += f"\ntest_{name}()\n"
    return graded_test(f"test_{name}", 0, code)


@pytest.fixture
def larger(tmp_path, curriculum):
    """The planted curriculum with a bug hunt, an open exercise and one that uses another."""
    source = curriculum.module(1).source
    more = [HUNT, graded("number_hunt", "hunt(1)", 2), OPEN, graded("number_open_way", "way(1)", 1)]
    more += [USING, graded("number_using", "using(1)", 2)]
    write(source, "\n".join([NUMBER, *more]))
    return Curriculum.load(curriculum.root)


@pytest.fixture
def place(larger, tmp_path):
    """A workspace of it."""
    return create(tmp_path / "large", larger).workspace


# -- hints ---------------------------------------------------------------------------------------


def test_asking_again_behind_the_last_hint_gives_the_last(tito, workspace):
    guidance = workspace.curriculum.module(1).guidance_file
    guidance.write_text('[number_double]\nhints = ["The only one."]\n', encoding="utf-8")
    for _ in range(5):
        done = tito("hint", "double", cwd=workspace.root)
        assert done.exit_code == 0 and "hint 1 of 1" in done.output
        assert "The only one." in done.output
    with changed_progress(workspace) as progress:
        progress.edit(workspace.curriculum.module(1)).hints["number_double"] = 99
    assert "hint 1 of 1" in tito("hint", "double", "--level", "3").output


@pytest.mark.parametrize("is_begun", [True, False])
def test_no_hints_are_offered_where_there_are_none(tito, place, larger, is_begun):
    module = larger.module(1)
    solutions = {e.id: without_markers(e.cell.source) for e in larger.exercises(module)}
    wrong = "#| export\ndef way(x):\n    return 0\n"
    own = {"number_open_way": wrong} if is_begun else {}
    solutions.pop("number_open_way")
    answer(place.notebook(module), {**solutions, **own})
    done = tito("test", "1", cwd=place.root, obj=larger)
    assert done.exit_code == 1 and "open_way" in done.output
    assert "tito module hint" not in done.output and "Stuck?" not in done.output
    asked = tito("hint", obj=larger)
    assert asked.exit_code == 0 and "Error" not in asked.output
    said = " ".join(asked.output.split())
    assert "An open exercise: no hints about the way. Its contract and what the tests say" in said


# -- names ---------------------------------------------------------------------------------------


def test_the_names_of_the_code_come_first(tito, workspace):
    by_class = tito("hint", "1", "Number", cwd=workspace.root)
    assert "number_value: hint 1 of 3" in by_class.output
    assert "number_value: hint 2 of 3" in tito("hint", "1", "value").output
    assert "sums_total: hint 1 of 3" in tito("hint", "Total").output, "of any module"
    assert tito("hint", "1", "NUMBER").exit_code == 2, "as it is written in the code"


def test_what_is_shown_can_be_typed(tito, place, larger):
    shown = tito("test", "1", cwd=place.root, obj=larger).output
    assert "open_way" in shown and "open way" not in shown
    assert "1 not started: open_way" in tito("test", "1", "open_way", obj=larger).output


# -- the summary ---------------------------------------------------------------------------------


def test_an_untouched_bug_hunt_says_where_to_begin(tito, place, larger):
    shown = tito("test", "1", cwd=place.root, obj=larger).output
    assert "\n  hunt (unchanged: run the cell that shows its symptom first)\n" in shown


def test_what_only_lacks_another_exercise_waits_and_has_not_failed(tito, place, larger):
    answer(place.notebook(larger.module(1)),
           {"number_using": "#| export\ndef using(x):\n    return double(x)\n"})  # fmt: skip
    shown = tito("test", "1", cwd=place.root, obj=larger).output
    assert "1 waits for double: using" in shown and "failed" not in shown
    alone = tito("test", "1", "using", obj=larger).output
    assert "using: waits for double" in alone and "Solve it first." in alone


# -- the way on ----------------------------------------------------------------------------------


def test_a_finished_track_says_so_and_what_can_run(tito, workspace):
    tito("setup", "--track", "1", cwd=workspace.root)
    solve(workspace, workspace.curriculum.module(1))
    tito("module", "complete", "1")
    for command in ("next", "status"):
        shown = tito(command).output
        assert "1 of 1 modules of your track completed" in shown
        assert "tito milestone run counting --part 1" in shown
    milestone = workspace.curriculum.milestone("counting")
    with changed_progress(workspace) as progress:
        progress.record_milestone(milestone, milestone.parts[0], {"part": 1})
    shown = tito("next").output
    assert "Your track is finished. More: tito setup --track" in shown
    assert "milestone" not in shown
    assert "More: tito setup --track" in tito("module", "start").output


def test_the_lines_to_try_can_be_copied(tito, workspace):
    source = workspace.curriculum.module(1).source
    line = f"print(double({' + '.join('1' * 40)}))"
    ending = f'\n# %% [markdown]\n"""\n## What this unlocks\n\n```python\n{line}\n```\n"""\n'
    write(source, NUMBER + ending)
    curriculum = Curriculum.load(workspace.curriculum.root)
    solve(workspace, curriculum.module(1))
    done = tito("module", "complete", "1", cwd=workspace.root, obj=curriculum)
    assert f"Try it in Python:\n{line}\n" in done.output


# -- reading -------------------------------------------------------------------------------------


def test_view_tells_where_experiments_and_answers_are(tito, curriculum, tmp_path):
    text = "Why $2\\,x$?\n<details><summary>Answer</summary>\nSecret.\n</details>"
    more = [f'\n# %% [markdown]\n"""\n{text}\n"""\n', "# %%\nprint(1)\n\n# %%\nprint(2)\n"]
    write(curriculum.module(1).source, NUMBER + "\n".join(more))
    shown = tito("module", "view", "1", cwd=tmp_path, obj=Curriculum.load(curriculum.root)).output
    assert "Why 2 x?\n(answer: in the notebook)" in shown and "Secret" not in shown
    assert shown.count("[experiment: run it in the notebook]") == 1
