"""Testing, completing, exporting, hints and fresh starts, on the learner's own files."""

from __future__ import annotations

import os
import time

import pytest
from planted import answer, solve, write

from tito.errors import TitoError
from tito.judge import Judge
from tito.workspace.completion import complete_work, export_work
from tito.workspace.hints import find_exercise, first_unsolved, next_hint
from tito.workspace.progress import Progress
from tito.workspace.reset import reset_work
from tito.workspace.standing import Standing
from tito.workspace.testing import run_tests
from tito.workspace.work import read_work

DOUBLE = '#| export\ndef double(x):\n    """Return twice x."""\n    return 2 * x\n'
WRONG = '#| export\ndef double(x):\n    """Return twice x."""\n    return x * x\n'


@pytest.fixture
def number(curriculum):
    return curriculum.module(1)


@pytest.fixture
def sums(curriculum):
    return curriculum.module(2)


def judged(workspace, module):
    judge = Judge(workspace.curriculum)
    tested = run_tests(workspace, judge, read_work(workspace, module))
    assert tested.fault is None
    return tested.report


def complete(workspace, module):
    judge = Judge(workspace.curriculum)
    return complete_work(workspace, judge, read_work(workspace, module))


def export(workspace, module):
    return export_work(workspace, read_work(workspace, module))


def hint(workspace, module):
    """The next hint of the first exercise not solved."""
    return next_hint(workspace, first_unsolved(workspace, Judge(workspace.curriculum), module))


def finish(workspace, module) -> None:
    solve(workspace, module)
    assert complete(workspace, module).report.passed


def exported(workspace, module) -> str:
    (path,) = module.export_paths.values()
    return (workspace.root / path).read_text(encoding="utf-8")


# -- testing ---------------------------------------------------------------------------------------


def test_untouched_notebook_has_no_points(workspace, number):
    report = judged(workspace, number)
    assert (report.points, report.max_points, report.passed) == (0, 5, False)
    assert {result.status for result in report.results} == {"not started"}


def test_verdict_is_recorded_with_the_file_it_is_about(workspace, number):
    solve(workspace, number, number_double=WRONG)
    report = judged(workspace, number)
    assert [result.status for result in report.results] == ["failed", "passed"]
    tests = Progress.load(workspace).entry(number).tests
    assert tests.points == 3
    assert tests.results == {"number_double": "failed", "number_value": "passed"}
    assert Standing.of(workspace).current == number


def test_testing_stands_on_the_learners_own_export(workspace, number, sums):
    """Module 02 uses the learner's `double`, not the reference's."""
    finish(workspace, number)
    solve(workspace, sums)
    path = workspace.package_dir / "core" / "number.py"
    path.write_text(path.read_text(encoding="utf-8").replace("2 * x", "3 * x"), encoding="utf-8")
    report = judged(workspace, sums)
    assert not report.passed
    assert "9" in report.first_failure.failure.got


def test_prerequisite_not_exported(workspace, sums):
    with pytest.raises(TitoError, match=r"Module 01 \(Number\), not in your package") as missing:
        judged(workspace, sums)
    assert "tito module complete 01" in missing.value.fix


def test_module_of_a_later_release(workspace):
    with pytest.raises(TitoError, match=r"Module 03 \(Later\) is not in this release"):
        judged(workspace, workspace.curriculum.module(3))


def test_the_newer_of_two_files_is_used(workspace, number):
    notebook = workspace.notebook(number)
    script = notebook.with_suffix(".py")
    write(script, number.source.read_text(encoding="utf-8"))
    os.utime(notebook, (time.time() - 50, time.time() - 50))
    assert judged(workspace, number).passed
    os.utime(script, (time.time() - 100, time.time() - 100))
    assert not judged(workspace, number).passed


def test_no_file_at_all(workspace, number):
    workspace.notebook(number).unlink()
    with pytest.raises(TitoError, match="has no file") as none:
        judged(workspace, number)
    assert "tito module reset 01" in none.value.fix


# -- completing and exporting ----------------------------------------------------------------------


def test_complete_exports_records_and_unlocks(workspace, number, sums):
    solve(workspace, number)
    done = complete(workspace, number)
    assert done.report.passed and done.is_first
    assert "return 2 * x" in exported(workspace, number)
    assert [m.id for m in done.modules] == ["02"]
    assert [(m.name, part.number) for m, part in done.parts] == [("counting", 1)]
    finish_two = (solve(workspace, sums), complete(workspace, sums))[1]
    assert [part.number for _, part in finish_two.parts] == [2]
    assert finish_two.modules == []  # Module 03 is not in this release
    assert Progress.load(workspace).completed == (1, 2)
    assert list(workspace.sources()) == [1, 2]


def test_complete_refuses_when_one_test_fails(workspace, number):
    solve(workspace, number, number_double=WRONG)
    done = complete(workspace, number)
    assert done.export is None
    assert workspace.sources() == {}
    assert Progress.load(workspace).completed == ()


def test_complete_needs_completed_prerequisites(workspace, number, sums):
    solve(workspace, number)
    export(workspace, number)  # exported, yet not completed
    solve(workspace, sums)
    with pytest.raises(TitoError, match=r"builds on Module 01 \(Number\)"):
        complete(workspace, sums)


def test_completing_an_earlier_module_again_leaves_the_later_ones(workspace, number, sums):
    finish(workspace, number)
    finish(workspace, sums)
    before = exported(workspace, sums)
    other = '#| export\ndef double(x):\n    """Return twice x."""\n    return x + x\n'
    answer(workspace.notebook(number), {"number_double": other})
    again = complete(workspace, number)
    assert not again.is_first
    assert (again.modules, again.parts) == ([], [])
    (backup,) = again.export.backups
    assert "return 2 * x" in backup.read_text(encoding="utf-8")
    assert "return x + x" in exported(workspace, number)
    assert exported(workspace, sums) == before
    assert Progress.load(workspace).completed == (1, 2)


def test_completing_twice_without_a_change_keeps_no_backup(workspace, number):
    finish(workspace, number)
    again = complete(workspace, number)
    assert again.export.backups == () and not again.export.changed
    assert not workspace.backups_dir.exists()


def test_export_takes_the_file_as_it_is(workspace, number):
    done = export(workspace, number)
    assert done.backups == ()
    assert "is not solved yet" in exported(workspace, number)
    assert Progress.load(workspace).completed == ()
    assert Progress.load(workspace).entry(number).exported


def test_a_syntax_error_cannot_be_exported_and_nothing_changes(workspace, number):
    finish(workspace, number)
    before = exported(workspace, number)
    answer(workspace.notebook(number), {"number_double": "#| export\ndef double(x:\n    pass"})
    with pytest.raises(TitoError, match="syntax error"):
        export(workspace, number)
    assert exported(workspace, number) == before


# -- hints -----------------------------------------------------------------------------------------


def test_each_call_gives_the_next_level_of_the_first_unsolved_exercise(workspace, number):
    hints = [hint(workspace, number) for _ in range(4)]
    assert [h.level for h in hints] == [1, 2, 3, 3]
    assert {h.exercise.id for h in hints} == {"number_double"}
    assert hints[0].text == "Nudge for number_double."
    assert hints[2].levels == 3


def test_hints_move_on_when_an_exercise_is_solved(workspace, number):
    answer(workspace.notebook(number), {"number_double": DOUBLE})
    assert hint(workspace, number).exercise.id == "number_value"
    solve(workspace, number)
    assert first_unsolved(workspace, Judge(workspace.curriculum), number) is None


def test_hint_for_a_named_exercise_and_level(workspace, number):
    wanted = find_exercise(workspace.curriculum, number, "value")
    assert wanted == find_exercise(workspace.curriculum, number, "number_value")
    assert next_hint(workspace, wanted).text == "Nudge for number_value."
    assert next_hint(workspace, wanted, level=3).text == "Nearly number_value."
    with pytest.raises(TitoError, match="Did you mean 'double'") as unknown:
        find_exercise(workspace.curriculum, number, "dubble")
    assert "number_double, number_value" in unknown.value.fix


# -- fresh starts ----------------------------------------------------------------------------------


def test_reset_keeps_every_file_and_the_completion(workspace, number):
    finish(workspace, number)
    notebook = workspace.notebook(number)
    mine = notebook.read_bytes()
    script = notebook.with_suffix(".py")
    write(script, "# my own notes")
    done = reset_work(workspace, number)
    assert done.kept[notebook].read_bytes() == mine
    assert done.kept[script].read_text(encoding="utf-8") == "# my own notes"
    assert not script.exists()
    assert "is not solved yet" in notebook.read_text(encoding="utf-8")
    assert Progress.load(workspace).completed == (1,)
    assert "return 2 * x" in exported(workspace, number)


def test_two_resets_within_a_second_keep_two_backups(workspace, number):
    copies = [next(iter(reset_work(workspace, number).kept.values())) for _ in range(3)]
    assert len(set(copies)) == 3
    assert all(copy.is_file() for copy in copies)


def test_reset_of_a_damaged_notebook(workspace, number):
    notebook = workspace.notebook(number)
    notebook.write_bytes(b"\xff\xfe not a notebook")
    done = reset_work(workspace, number)
    assert done.kept[notebook].read_bytes() == b"\xff\xfe not a notebook"
    assert judged(workspace, number).max_points == 5


def test_hints_and_verdicts_start_over_with_a_reset(workspace, number):
    hint(workspace, number)
    reset_work(workspace, number)
    assert hint(workspace, number).level == 1


def test_nothing_is_written_when_the_backup_fails(workspace, monkeypatch, number):
    def full(path, folder, **rest):
        raise TitoError("Cannot back up: no space left on device.")

    mine = workspace.notebook(number).read_bytes()
    monkeypatch.setattr("tito.workspace.layout.backup", full)
    with pytest.raises(TitoError, match="no space"):
        reset_work(workspace, number)
    assert workspace.notebook(number).read_bytes() == mine
