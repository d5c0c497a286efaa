"""The runner: a process per part, its JSON, and its own words when it fails."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tito.curriculum.curriculum import Curriculum
from tito.errors import TitoError
from tito.milestones.runner import run_part

MILESTONE = Curriculum.load().milestone("xor")
PART = MILESTONE.parts[1]
METRICS = {"accuracy": {"mean": 1.0, "std": 0.0, "values": [1.0]}}


@pytest.fixture
def run(tmp_path: Path):
    """`run(text, *arguments)` plants the text as the part's script and runs it."""

    def planted(text: str, *arguments: str):
        script = tmp_path / "milestones" / MILESTONE.folder / PART.script
        script.parent.mkdir(parents=True)
        script.write_text(text, encoding="utf-8")
        return run_part(MILESTONE, PART, tmp_path, arguments)

    return planted


def test_reads_the_last_line_and_knows_the_part_better(run):
    result = {"milestone": "??", "part": 9, "metrics": METRICS, "title": "± fine"}
    text = f"print('some words')\nprint('{json.dumps(result)}')\nprint()"
    assert run(text) == {**result, "milestone": "02", "part": 2}


def test_hands_on_arguments_and_asks_for_json(run):
    text = f"import json, sys\nprint(json.dumps({{'metrics': {METRICS}, 'got': sys.argv[1:]}}))"
    assert run(text, "--seed=0", "--epochs=3")["got"] == ["--json", "--seed=0", "--epochs=3"]


def test_speaks_utf8_whatever_the_console(run, monkeypatch):
    monkeypatch.setenv("PYTHONIOENCODING", "ascii")
    text = f"import json\nprint(json.dumps({{'metrics': {METRICS}, 'x': '±'}}, ensure_ascii=False))"
    assert run(text)["x"] == "±"


def test_one_thread_unless_the_user_says_otherwise(run, monkeypatch):
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    monkeypatch.setenv("OPENBLAS_NUM_THREADS", "4")
    ask = "{n: os.environ[n] for n in ('OMP_NUM_THREADS', 'OPENBLAS_NUM_THREADS')}"
    text = f"import json, os\nprint(json.dumps({{'metrics': {METRICS}, 'threads': {ask}}}))"
    assert run(text)["threads"] == {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "4"}


def test_progress_goes_straight_to_stderr(run, capfd):
    result = json.dumps({"metrics": METRICS})
    run(f"import sys\nprint('epoch 1', file=sys.stderr)\nprint('{result}')")
    shown = capfd.readouterr()
    assert shown.err == "epoch 1\n" and shown.out == ""


def test_failure_comes_with_the_scripts_own_message(run):
    text = "import json, sys\nprint(json.dumps({'error': 'Module 05 is missing'}))\nsys.exit(1)"
    with pytest.raises(TitoError) as caught:
        run(text)
    assert "part 2, cannot run.\nModule 05 is missing" in caught.value.message


def test_crash_names_the_exit_code_and_the_script(run, capfd):
    with pytest.raises(TitoError, match=r"failed \(exit code 1\)") as caught:
        run("1 / 0")
    assert PART.script in caught.value.fix
    assert "ZeroDivisionError" in capfd.readouterr().err


@pytest.mark.parametrize(
    "text",
    ["", "print('done')", "print('[1, 2]')", "print('{}')", 'print(\'{"metrics": {"a": 1}}\')'],
)
def test_script_without_a_result_is_not_a_success(run, text):
    with pytest.raises(TitoError, match="ended without a result"):
        run(text)


def test_result_printed_before_a_crash_does_not_count(run, capfd):
    with pytest.raises(TitoError, match="failed"):
        run(f"print('{json.dumps({'metrics': METRICS})}')\nraise SystemExit(3)")


def test_missing_script_is_named(tmp_path):
    with pytest.raises(TitoError, match=r"is missing: .*02_xor_solved.py"):
        run_part(MILESTONE, PART, tmp_path)
