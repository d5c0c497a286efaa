"""Hidden tests, limits of one exercise, grading, kinds of exercises, written answers, wording."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from tito.curriculum.guidance import load_guidance, plant


def result(report, exercise_id):
    return next(r for r in report.results if r.exercise_id == exercise_id)


# -- hidden tests ------------------------------------------------------------------------------

HARD_CODED = (
    "    return {(2.0, 3.0): 6.0, (2.0, 2.0): 4.0, (1.0, 1.0): 1.0}.get((width, depth), 0.0)"
)
SECRETS = ("17.25", "69", "19.5", "11.5", "23", "secret")


def hard_coded(house, body=HARD_CODED):
    return house.solve("house_area", f"#| export\ndef area(width, depth):\n{body}\n")


def test_without_hidden_tests_the_visible_cases_can_be_hard_coded(house):
    report = house.judge(hard_coded(house))
    assert report.passed and result(report, "house_area").max_points == 2


def test_the_reference_passes_the_hidden_tests(hidden):
    report = hidden.judge(hidden.cells)
    assert report.complete and report.points == report.max_points == 16


BODIES = {
    "a wrong value": HARD_CODED,
    "an error": "    if width > 3:\n        raise ValueError(width, depth)\n" + HARD_CODED,
    "what it prints": "    print('asked for', width, depth)\n" + HARD_CODED,
    "a crash": "    import os\n    width < 3 or os._exit(3)\n" + HARD_CODED,
    "endless": "    while width > 3: pass\n" + HARD_CODED,
    "an unsolved part": "    if width > 3: raise NotImplementedError(str(width))\n" + HARD_CODED,
    "a result of no use": "    if width > 3: return lambda: width\n" + HARD_CODED,
    "a missing name": "    if width > 3: return unknown\n" + HARD_CODED,
}


@pytest.mark.parametrize("body", BODIES)
def test_hard_coded_cases_fail_and_nothing_hidden_is_told(hidden, body):
    report = hidden.judge(hard_coded(hidden, BODIES[body]))
    scored = result(report, "house_area")
    assert (scored.status, scored.points, scored.max_points) == ("failed", 2, 4)
    failure = scored.failure
    assert (failure.kind, failure.reason.code) == ("hidden", "judge.hidden")
    assert not (failure.given or failure.expected or failure.got or failure.because)
    assert failure.printed == "" and failure.hint == "" and failure.fix
    told = json.dumps(replace(report, seconds=0.0, file="").to_dict())
    told = told.replace(str(hidden.root), "")  # the folder's number is no secret
    lines = hard_coded(hidden, BODIES[body])  # what the learner wrote may be quoted
    own = next(cell.source for cell in lines if cell.grade_id == "house_area")
    assert [word for word in SECRETS if word in told and word not in own] == []


def test_a_hidden_test_without_points_guards_those_of_the_visible_one(hidden):
    cells = hidden.change(
        "    return sum(area(room.width, room.depth) for room in rooms)",
        "    return {1: 4.0, 2: 7.0}[len(rooms)]",
    )
    scored = result(hidden.judge(cells), "house_measure")
    assert (scored.status, scored.points, scored.failure.kind) == ("failed", 0, "hidden")


def test_a_hidden_failure_is_not_taken_for_a_planted_mistake(hidden):
    """ "no negative depth" fails in the hidden test too, at the same check."""
    (_, mistake) = load_guidance(hidden.module.guidance_file)["house_area"].mistakes
    planted = hidden.solve("house_area", plant(mistake, hidden.cell("house_area")))
    other = hidden.change("width < 0 or depth < 0", "width < 0 or depth == -7")
    for cells in (planted, other):
        failure = result(hidden.judge(cells), "house_area").failure
        assert (failure.kind, failure.hint) == ("hidden", "")


# -- limits, grading ---------------------------------------------------------------------------

LOOP = "    import time\n    end = {clock}() + {seconds}\n    while {clock}() < end: pass\n"


def slow(house, exercise_id, seconds, clock="time.monotonic"):
    source = house.cell(exercise_id).source
    loop = LOOP.format(seconds=seconds, clock=clock)
    return house.solve(exercise_id, source.replace("    ### BEGIN", f"{loop}    ### BEGIN"))


def test_an_exercise_may_have_limits_of_its_own(house):
    own = house.judge(slow(house, "house_slow", 0.8), limits={"exercise_seconds": 30.0})
    failure = result(own, "house_slow").failure
    assert failure.kind == "timeout" and "0.3 s" in str(failure.reason)
    others = house.judge(slow(house, "house_hunt", 0.8), limits={"exercise_seconds": 30.0})
    assert others.passed


def test_more_time_than_others(house):
    house.edit("curriculum.toml", "seconds = 0.3", "seconds = 30.0")
    assert house.judge(slow(house, "house_slow", 0.8), limits={"exercise_seconds": 0.5}).passed
    other = house.judge(slow(house, "house_hunt", 0.8), limits={"exercise_seconds": 0.5})
    assert result(other, "house_hunt").failure.kind == "timeout"


def test_processor_time_is_limited_too(house):
    limits = {"exercise_seconds": 60.0, "cpu_seconds": 1.0}
    endless = slow(house, "house_hunt", 50, clock="time.process_time")
    failure = result(house.judge(endless, limits=limits), "house_hunt").failure
    assert failure.kind == "timeout" and failure.reason.code == "sandbox.cpu"
    assert "1 s of processor time" in str(failure.reason)


def test_a_grader_judges_every_exercise_after_many_crashes(bench):
    """Twelve exercises: all but the last crash."""
    path = bench.module.source
    text = path.read_text(encoding="utf-8")
    start = text.index('# %% nbgrader={"grade": false, "grade_id": "toy_mean"')
    block = text[start : text.index('# %% nbgrader={"grade": false, "grade_id": "toy_grow"')]
    copies = [
        block.replace("toy_mean", f"toy_mean{n}").replace("mean(", f"mean{n}(") for n in range(12)
    ]
    path.write_text(text + "\n" + "".join(copies), encoding="utf-8")
    cells = bench.cells
    for n in range(11):
        source = f"#| export\ndef mean{n}(a):\n    import os; os._exit(1)\n"
        cells = bench.solve(f"toy_mean{n}", source, cells)
    graded = bench.judge(cells, grading=True)
    kinds = [r.failure and r.failure.kind for r in graded.results]
    assert kinds == [None] * 3 + ["crash"] * 11 + [None]
    assert all(r.failure.reason.code != "judge.not_judged" for r in graded.results if r.failure)
    learning = bench.judge(cells)
    assert learning.results[-1].failure.reason.code == "judge.not_judged"


# -- kinds of exercises, written answers -------------------------------------------------------


def test_written_answers_are_listed_for_a_person(house):
    cells = [
        replace(c, source="Because bricks are.") if c.grade_id == "house_why" else c
        for c in house.cells
    ]
    report = house.judge(cells)
    (answer,) = report.answers
    assert (answer.answer_id, answer.max_points) == ("house_why", 4)
    assert answer.text == "Because bricks are."
    assert report.points == report.max_points == 14, "a person grades the other four"
    assert report.to_dict()["answers"] == [vars(answer)]


def test_a_written_answer_that_was_deleted_is_empty(house):
    (answer,) = house.judge([c for c in house.cells if c.grade_id != "house_why"]).answers
    assert answer.text == ""


def test_an_untouched_bug_hunt_is_not_started(house):
    stubs = {cell.grade_id: cell.source for cell in house.stubs()}
    assert (
        "return width * 2" in stubs["house_hunt"]
        and "return width / 2" not in (stubs["house_hunt"])
    )
    scored = result(house.judge(house.solve("house_hunt", stubs["house_hunt"])), "house_hunt")
    assert (scored.status, scored.points) == ("not started", 0)
    assert scored.failure.reason.code == "judge.hunt_unchanged"
    repaired = stubs["house_hunt"].replace("width * 2", "0.5 * width")
    assert result(house.judge(house.solve("house_hunt", repaired)), "house_hunt").points == 2
    worse = stubs["house_hunt"].replace("width * 2", "width * 3")
    assert result(house.judge(house.solve("house_hunt", worse)), "house_hunt").status == "failed"


def test_an_open_exercise_is_judged_like_any_other(house):
    wrong = house.change("max(rooms, key=lambda room", "min(rooms, key=lambda room")
    scored = result(house.judge(wrong), "house_open")
    assert (scored.status, scored.failure.given) == ("failed", "1 x 1 and 2 x 2")
    stubs = house.judge(house.stubs())
    assert result(stubs, "house_open").status == "not started"
    assert {r.status for r in stubs.results} == {"not started"}


# -- wording -----------------------------------------------------------------------------------


def test_a_report_speaks_the_curriculums_language(house):
    report = house.judge(house.change("width * depth\n", "width + depth\n"))
    wording = house.curriculum.wording
    told = report.to_dict(wording)["results"][0]["failure"]
    assert told["reason"] == "Das Ergebnis ist 5 statt 6."
    assert told["message"]["code"] == "check.number"
    assert report.to_dict()["results"][0]["failure"]["reason"] == "The result is 5 instead of 6."
    assert "Areas are products." in told["hint"]
