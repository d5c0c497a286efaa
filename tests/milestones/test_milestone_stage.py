"""What the scripts share: arguments, seeds, results, plots, and messages instead of tracebacks."""

from __future__ import annotations

import json
import math
import shutil
from pathlib import Path

import numpy as np
import pytest
from milestone_kit import REPOSITORY, run_script

from milestones import report

SCRIPT = '''
"""A planted milestone part.

Once there was
a part.

Then it was *run*.

    python 05_planted.py
"""
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
from milestones import stage

with stage.your_code():
    {imports}


def run(seed, epochs, show):
    {body}
    show(epochs, epochs, loss=0.5, accuracy=0.25)
    return {{"accuracy": 0.9 + seed / 100, "loss": float("{loss}"), "success_rate": seed > 0}}, seed


def draw(figure, stories):
    figure.subplots().plot(list(stories.values()))


if __name__ == "__main__":
    stage.play(__file__, title="Planted ± part", run=run, draw=draw, seeds=range(3), epochs=4,
               moral="The end.")
'''


@pytest.fixture
def plant(tmp_path: Path):
    """`plant(body=…)` writes a milestone of two parts and returns the second."""
    shutil.copytree(REPOSITORY / "datasets", tmp_path / "datasets")
    (tmp_path / "milestones").mkdir()
    for file in (REPOSITORY / "milestones").glob("*.py"):
        shutil.copy(file, tmp_path / "milestones")

    def write(imports: str = "pass", body: str = "pass", loss: str = "0.5") -> Path:
        folder = tmp_path / "milestones" / "07_2099_planted"
        folder.mkdir()
        (folder / "00_before.py").write_text("", encoding="utf-8")
        script = folder / "05_planted.py"
        script.write_text(SCRIPT.format(imports=imports, body=body, loss=loss), encoding="utf-8")
        return script

    return write


def package(script: Path, name: str, text: str) -> None:
    """Put a module at the root of the script's tree, where it comes first."""
    (script.parents[2] / f"{name}.py").write_text(text, encoding="utf-8")


def test_json_is_one_object_with_all_seeds(plant):
    script = plant()
    run = run_script(script, "--json")
    assert run.returncode == 0, run.stderr
    result = json.loads(run.stdout)
    assert (result["milestone"], result["part"]) == ("07", 2)
    assert result["title"] == "Planted ± part" and result["full"] is True
    assert result["seeds"] == [0, 1, 2] and result["epochs"] == 4
    accuracy = result["metrics"]["accuracy"]
    assert accuracy["values"] == [0.90, 0.91, 0.92]
    assert math.isclose(accuracy["mean"], 0.91) and math.isclose(
        accuracy["std"], np.std([0, 1, 2]) / 100
    )
    assert result["metrics"]["success_rate"]["values"] == [0.0, 1.0, 1.0]
    assert result["plot"] == str(script.parent / "outputs" / "05_planted.png")
    assert Path(result["plot"]).read_bytes().startswith(b"\x89PNG")
    assert "seed 2  epoch 4 of 4  loss 0.5  accuracy 25.0 %" in run.stderr
    assert result["said"]["accuracy"] == "91.0 % ± 0.8 %" and result["moral"] == "The end."


def test_the_story_comes_first_and_the_moral_last(plant):
    run = run_script(plant(), "--no-plot")
    assert run.stderr.startswith("Once there was a part.\n\nThen it was *run*.\n\nseed 0")
    assert run.stdout.endswith("\n\nThe end.\n")


@pytest.mark.parametrize(
    ("arguments", "name"),
    [
        (("--seed=3",), "05_planted-seed3.png"),
        (("--epochs=2",), "05_planted-epochs2.png"),
        (("--seed=3", "--epochs=2"), "05_planted-seed3-epochs2.png"),
    ],
)
def test_another_seed_or_length_keeps_the_full_runs_picture(plant, arguments, name):
    script = plant()
    full = Path(json.loads(run_script(script, "--json").stdout)["plot"])
    before = full.read_bytes()
    other = json.loads(run_script(script, "--json", *arguments).stdout)["plot"]
    assert other == str(full.with_name(name)) and Path(other).is_file()
    assert full.read_bytes() == before


def test_one_seed_and_fewer_epochs_are_not_a_full_run(plant):
    script = plant()
    result = json.loads(run_script(script, "--json", "--seed=7", "--epochs=2", "--no-plot").stdout)
    assert result["seeds"] == [7] and result["epochs"] == 2
    assert result["full"] is False and result["plot"] is None
    assert result["metrics"]["accuracy"]["std"] == 0.0


def test_summary_for_people(plant):
    run = run_script(plant(), "--plot=picture.svg")
    assert run.returncode == 0
    lines = [line.split() for line in run.stdout.splitlines()]
    assert ["accuracy", "91.0", "%", "±", "0.8", "%"] in lines
    assert ["success", "rate", "2", "of", "3"] in lines
    assert ["plot", "picture.svg"] in lines
    assert "Milestone 07, part 2: Planted ± part" in run.stdout and "The end." in run.stdout


@pytest.mark.parametrize("encoding", ["cp1252", "ascii"])
def test_other_code_pages_do_not_crash(plant, encoding):
    run = run_script(plant(), "--no-plot", PYTHONIOENCODING=encoding, PYTHONUTF8="0")
    assert run.returncode == 0 and "Planted" in run.stdout, run.stderr


def test_a_figure_that_is_no_number_is_null(plant):
    run = run_script(plant(loss="nan"), "--json", "--no-plot")
    assert json.loads(run.stdout)["metrics"]["loss"] == {
        "mean": None,
        "std": None,
        "values": [None] * 3,
    }


@pytest.mark.parametrize(
    "argument",
    ["--seed=-1", "--seed=x", "--seed=4294967296", "--epochs=0", "--epochs=1.5", "--nonsense"],
)
def test_wrong_arguments_are_a_usage_error(plant, argument):
    run = run_script(plant(), argument)
    assert run.returncode == 2 and "usage:" in run.stderr and "Traceback" not in run.stderr


def test_unfinished_module_is_named_without_a_traceback(plant):
    script = plant(imports="from tinytorch import Tensor")
    package(
        script, "tinytorch", "raise ImportError('Module 01 is not built: tito module start 01')"
    )
    run = run_script(script)
    assert run.returncode == 1
    assert run.stderr.strip() == "Module 01 is not built: tito module start 01"
    asked_for_json = run_script(script, "--json")
    assert asked_for_json.returncode == 1
    assert json.loads(asked_for_json.stdout) == {
        "error": "Module 01 is not built: tito module start 01"
    }


@pytest.mark.parametrize(
    "raised",
    [
        "from datasets import DatasetError; raise DatasetError('put it there')",
        "raise NotImplementedError('put it there')",
    ],
)
def test_foreseen_trouble_during_the_run_is_a_message(plant, raised):
    run = run_script(plant(body=raised))
    assert run.returncode == 1 and run.stderr.endswith("*run*.\n\nput it there\n")


def test_a_bug_keeps_its_traceback(plant):
    run = run_script(plant(body="1 / 0"))
    assert run.returncode == 1 and "ZeroDivisionError" in run.stderr


def with_own_arguments(script: Path) -> Path:
    """Give the planted part an argument of its own, and something to do instead of a run."""
    text = script.read_text(encoding="utf-8")
    text = text.replace(
        "def run(seed, epochs, show):", GREET + "def run(seed, epochs, show, asked):"
    )
    text = text.replace('"accuracy": 0.9 +', '"accuracy": asked.share +')
    own = 'options={"--share": {"type": float, "default": 0.5}}, instead={"--greet-all": greet}, '
    script.write_text(text.replace("moral=", own + "moral="), encoding="utf-8")
    return script


GREET = '''def greet(asked):
    """say hello"""
    if asked.share > 1:
        raise KeyboardInterrupt
    print("hello", asked.share)


'''


def test_a_part_may_have_arguments_of_its_own(plant):
    run = run_script(with_own_arguments(plant()), "--json", "--no-plot", "--seed=0", "--share=0.7")
    assert json.loads(run.stdout)["metrics"]["accuracy"]["values"] == [0.7]


def test_a_part_may_do_something_instead_of_a_run(plant):
    script = with_own_arguments(plant())
    run = run_script(script, "--greet-all")
    assert (run.returncode, run.stdout, run.stderr) == (0, "hello 0.5\n", "")
    told = run_script(script, "--help").stdout
    assert "--greet-all" in told and "say hello" in told
    stopped = run_script(script, "--greet-all", "--share=2")
    assert stopped.returncode == 130 and stopped.stderr == "Stopped.\n"


def test_stopping_by_hand(plant):
    run = run_script(plant(body="raise KeyboardInterrupt"))
    assert run.returncode == 130 and run.stderr.endswith("*run*.\n\nStopped.\n")


@pytest.mark.parametrize("output", [(), ("--json",)])
def test_without_matplotlib_it_says_so_in_one_line(plant, output):
    script = plant()
    package(script, "matplotlib", "raise ImportError('no matplotlib')")
    run = run_script(script, *output)
    assert run.returncode == 0
    assert "matplotlib is not installed" in (run.stderr if output else run.stdout)
    if output:
        assert json.loads(run.stdout)["plot"] is None


@pytest.mark.parametrize("path", ["picture.unknown", "05_planted.py/picture.png"])
def test_plot_that_cannot_be_written_costs_only_the_plot(plant, path):
    run = run_script(plant(), "--json", f"--plot={path}")
    assert run.returncode == 0 and json.loads(run.stdout)["plot"] is None
    assert "No plot:" in run.stderr and "cannot be written" in run.stderr


def test_runs_from_any_folder(plant, tmp_path):
    script = plant()
    run = run_script(script, "--json", cwd=Path(tmp_path.anchor))
    assert json.loads(run.stdout)["plot"] == str(script.parent / "outputs" / "05_planted.png")


@pytest.mark.parametrize(
    ("name", "value", "text"),
    [
        ("accuracy", 0.975, "97.5 %"),
        ("success_rate", 1.0, "100.0 %"),
        ("parameters", 101770.0, "101,770"),
        ("loss", 0.69314, "0.693"),
        ("loss", None, "not a number"),
    ],
)
def test_metrics_as_a_person_reads_them(name, value, text):
    assert report.format_metric(name, value) == text


@pytest.mark.parametrize(
    ("name", "values", "text"),
    [
        ("accuracy", [0.97, 0.98], "97.5 % ± 0.5 %"),
        ("accuracy", [0.9848, 0.9852], "98.50 % ± 0.02 %"),
        ("accuracy", [0.5, 0.5], "50.0 %"),
        ("success_rate", [1.0, 0.0, 1.0], "2 of 3"),
        ("loss", [0.69314, 0.69315], "0.693"),
        ("loss", [1.0, math.inf], "not a number"),
        ("parameters", [2410, 2410], "2,410"),
    ],
)
def test_spreads_as_a_person_reads_them(name, values, text):
    assert report.format_spread(name, report.summarise([{name: v} for v in values])[name]) == text
