"""Milestone 05 as a whole: its scripts, what they keep, and what they say of trouble."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from milestone_kit import REPOSITORY, run_script

from tito.curriculum.curriculum import Curriculum
from tito.milestones.context import Context

MILESTONE = Curriculum.load().milestone("transformer")
SCRIPTS = [part.script for part in MILESTONE.parts]
PROOF, ANSWERS, DIALOGUE, DASHBOARD, STYLE, COMPLETION = SCRIPTS
TALKING = [ANSWERS, DIALOGUE, DASHBOARD]
SHORT = ("--json", "--seed=0", "--epochs=1")


@pytest.fixture(scope="module")
def folder(trees) -> Path:
    return trees(13) / "milestones" / MILESTONE.folder


@pytest.fixture
def outputs(folder: Path) -> Path:
    """Where models are kept; nothing is there yet."""
    shutil.rmtree(folder / "outputs", ignore_errors=True)
    return folder / "outputs"


def result(script: Path, *arguments: str) -> dict:
    run = run_script(script, *arguments)
    assert run.returncode == 0, run.stdout + run.stderr
    return json.loads(run.stdout)


def talk(script: Path, *arguments: str, said: str) -> subprocess.CompletedProcess[str]:
    env = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
    command = [sys.executable, str(script), "--chat", *arguments]
    return subprocess.run(
        command, input=said, capture_output=True, encoding="utf-8", env=env, timeout=120
    )


# -- every part ------------------------------------------------------------------------------------


@pytest.mark.parametrize("number", range(1, len(SCRIPTS) + 1))
def test_a_short_run_gives_a_whole_result(folder, number):
    part = MILESTONE.parts[number - 1]
    found = result(folder / part.script, *SHORT, "--no-plot")
    assert (found["milestone"], found["part"], found["title"]) == ("05", number, part.title)
    assert found["full"] is False and found["plot"] is None
    assert {target.metric for target in part.targets} <= found["metrics"].keys()
    assert all(spread["mean"] is not None for spread in found["metrics"].values())


@pytest.mark.parametrize("script", [PROOF, ANSWERS, STYLE])
def test_a_seed_gives_the_same_figures_every_time(folder, script):
    """The other parts are the same code with other texts."""
    figures = [result(folder / script, *SHORT, "--no-plot")["metrics"] for _ in range(2)]
    assert figures[0] == figures[1]


def test_proof_reaches_its_target_with_its_usual_seeds(folder):
    found = result(folder / PROOF, "--json")
    assert len(found["seeds"]) == 5 and found["full"] is True
    assert min(found["metrics"]["accuracy"]["values"]) >= 0.95
    assert found["metrics"]["accuracy_without_attention"]["mean"] < 0.1
    assert Path(found["plot"]).stat().st_size > 20_000


@pytest.mark.parametrize("script", SCRIPTS)
def test_script_is_short_and_learns_with_tinytorch_alone(script):
    text = (REPOSITORY / "milestones" / MILESTONE.folder / script).read_text(encoding="utf-8")
    assert len(text.splitlines()) < 121
    assert all(word not in text for word in ("torch.nn", "import torch", "sklearn", "tito."))


def test_readme_tells_how_to_run_every_part():
    text = (REPOSITORY / "milestones" / MILESTONE.folder / "README.md").read_text(encoding="utf-8")
    assert "tito milestone run 05" in text and all(script in text for script in SCRIPTS)


@pytest.mark.parametrize(("upto", "script", "missing"), [(11, PROOF, 12), (12, ANSWERS, 13),
                                                         (12, COMPLETION, 13)])  # fmt: skip
def test_package_that_lacks_the_last_module_says_which(trees, upto, script, missing):
    run = run_script(trees(upto) / "milestones" / MILESTONE.folder / script)
    assert run.returncode == 1 and "Traceback" not in run.stderr
    assert f"Module {missing:02d}" in run.stderr and run.stdout == ""


def test_parts_that_take_minutes_run_only_when_asked_for():
    curriculum = Curriculum.load()
    context = Context(curriculum, REPOSITORY, tuple(range(1, 21)))
    assert [part.number for _, part in context.ready(MILESTONE)] == [1, 2]
    assert context.require(MILESTONE, MILESTONE.parts[2]) == (MILESTONE, MILESTONE.parts[2])


# -- what is kept: talking, going on, stopping -----------------------------------------------------


@pytest.mark.parametrize("script", TALKING)
def test_a_trained_model_can_be_talked_to_without_training(folder, outputs, script):
    result(folder / script, *SHORT)
    kept = outputs / f"{Path(script).stem}-seed0-epochs1.ckpt"
    before = kept.read_bytes()
    run = talk(folder / script, "--epochs=1", said="Hello!\nTell me about owls.\n\nnever read\n")
    assert run.returncode == 0, run.stderr
    assert run.stdout.count("It:  ") == 2 and "empty line ends" in run.stderr
    assert kept.read_bytes() == before


def test_a_writer_goes_on_with_the_text_it_has_learned(folder, outputs, tmp_path):
    text = tmp_path / "mine.txt"
    text.write_text("to be or not to be\n" * 200, encoding="utf-8")
    result(folder / STYLE, *SHORT, f"--text={text}")
    run = talk(folder / STYLE, "--epochs=1", f"--text={text}", said="to be")
    assert run.returncode == 0 and run.stdout.startswith("It:  ")
    text.write_text("something else\n" * 300, encoding="utf-8")
    other = talk(folder / STYLE, "--epochs=1", f"--text={text}", said="to be")
    assert other.returncode == 1 and "no trained model" in other.stderr


def test_chat_without_a_model_says_what_to_do(folder, outputs):
    result(folder / ANSWERS, *SHORT)
    run = talk(folder / ANSWERS, said="Hello!\n")
    assert run.returncode == 1 and "Traceback" not in run.stderr and run.stdout == ""
    assert "There is no trained model" in run.stderr
    assert "01_vaswani_generation-seed0-epochs1.ckpt" in run.stderr  # the one that is there


def test_chat_with_a_damaged_model_says_so(folder, outputs):
    outputs.mkdir(exist_ok=True)
    (outputs / "01_vaswani_generation-seed0-epochs1.ckpt").write_bytes(b"PK\x03\x04 half a file")
    run = talk(folder / ANSWERS, "--epochs=1", said="Hello!\n")
    assert run.returncode == 1 and "Traceback" not in run.stderr
    assert "cannot be used" in run.stderr and "Train it again" in run.stderr


def test_without_files_nothing_is_kept_and_chat_says_so(folder, outputs):
    result(folder / ANSWERS, *SHORT, "--no-plot")
    assert not list(outputs.glob("*"))
    run = talk(folder / ANSWERS, "--epochs=1", "--no-plot", said="Hello!\n")
    assert run.returncode == 1 and run.stderr.strip().endswith("leave it out.")


def listens_to_ctrl_c() -> None:
    """In a process whose parent runs in the background, where Ctrl-C would be ignored."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def wait_for(condition, process) -> None:
    while not condition():
        assert process.poll() is None, process.communicate()
        time.sleep(0.05)


@pytest.mark.skipif(sys.platform == "win32", reason="sends SIGINT")
def test_ctrl_c_keeps_the_best_and_resume_ends_as_if_nothing_had_happened(
    folder, outputs, tmp_path
):
    text = tmp_path / "mine.txt"
    text.write_text("to be or not to be, that is the question\n" * 100, encoding="utf-8")
    arguments = (f"--text={text}", "--seed=0", "--epochs=4")
    whole = result(folder / STYLE, "--json", *arguments)["metrics"]
    (kept,) = outputs.glob("04_vaswani_style-*-seed0-epochs4.ckpt")
    kept.unlink()
    env = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
    command = [sys.executable, str(folder / STYLE), *arguments]
    process = subprocess.Popen(
        command, stderr=subprocess.PIPE, encoding="utf-8", env=env, preexec_fn=listens_to_ctrl_c
    )
    wait_for(kept.exists, process)
    process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=60)
    assert process.returncode == 130 and "Traceback" not in said
    assert str(kept) in said and "--resume" in said and "--chat" in said
    resumed = run_script(folder / STYLE, "--json", *arguments, "--resume")
    assert "Going on after epoch" in resumed.stderr
    assert json.loads(resumed.stdout)["metrics"] == whole


def test_resume_with_nothing_there_begins_anew(folder, outputs):
    run = run_script(folder / DIALOGUE, *SHORT, "--resume")
    assert run.returncode == 0 and "beginning anew" in run.stderr


def test_folder_that_cannot_be_written_costs_only_the_model(folder, outputs):
    outputs.write_text("a file where the folder should be")
    try:
        run = run_script(folder / ANSWERS, *SHORT)
        assert run.returncode == 0 and "could not be kept" in run.stderr, run.stderr
    finally:
        outputs.unlink()


@pytest.mark.parametrize("script", SCRIPTS)
def test_no_epochs_are_a_usage_error(folder, script):
    run = run_script(folder / script, "--epochs=0")
    assert run.returncode == 2 and "usage:" in run.stderr


def test_help_names_the_parts_own_arguments(folder):
    told = run_script(folder / STYLE, "--help").stdout
    assert "--text FILE" in told and "--chat" in told and "--resume" in told


# -- the style of a text ---------------------------------------------------------------------------

TEXTS = {
    "missing": (None, "cannot be read"),
    "empty": (b"", "has 0 characters"),
    "short": (b"to be or not to be", "18 characters"),
    "an image": (b"\x89PNG\r\n\x1a\n\xff\xfe" * 1000, "not a text in UTF-8"),
}


@pytest.mark.parametrize("kind", TEXTS)
def test_text_that_teaches_nothing_is_a_message(folder, tmp_path, kind):
    content, said = TEXTS[kind]
    path = tmp_path / "text.txt"
    if content is not None:
        path.write_bytes(content)
    run = run_script(folder / STYLE, *SHORT, "--no-plot", f"--text={path}")
    assert run.returncode == 1 and "Traceback" not in run.stderr
    assert said in json.loads(run.stdout)["error"] and str(path) in run.stdout


# -- the dashboard ---------------------------------------------------------------------------------


def test_dashboard_without_a_terminal_writes_lines_and_its_history(folder, outputs):
    run = run_script(folder / DASHBOARD, "--seed=0", "--epochs=2", "--json")
    assert run.returncode == 0 and "\x1b" not in run.stderr, run.stderr
    assert "epoch 2 of 2  loss" in run.stderr and "capital of France" in run.stderr
    history = json.loads((outputs / "03_tinytalks_dashboard-seed0-epochs2.json").read_text())
    assert [entry["epoch"] for entry in history] == [1, 2]
    assert all(len(entry["replies"]) == 3 for entry in history)
    assert history[0]["loss"] > history[1]["loss"] > 0
    assert all(entry["tokens_per_second"] > 0 for entry in history)


def test_dashboard_without_rich_writes_lines(folder):
    """`rich` is optional: a file in its place that refuses to be imported."""
    blocked = folder / "rich.py"
    blocked.write_text("raise ImportError('no rich')", encoding="utf-8")
    try:
        run = run_script(folder / DASHBOARD, *SHORT, "--no-plot")
    finally:
        blocked.unlink()
    assert run.returncode == 0 and "capital of France" in run.stderr
