"""The milestones themselves, on the reference build: protocol, targets, and half-built packages."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from milestone_kit import REPOSITORY, run_script

from tito.curriculum.curriculum import Curriculum
from tito.curriculum.modules import Milestone, Part

CURRICULUM = Curriculum.load()
WRITTEN = {1, 2, 3, 4}
PARTS = [(m, p) for m in CURRICULUM.milestones if m.number in WRITTEN for p in m.parts]
QUICK = [(m, p) for m, p in PARTS if not p.data]
PLOTTING = ("numpy", "matplotlib")  # what a script may import beside the framework
KEYS = {
    "milestone", "part", "title", "seeds", "epochs", "full", "metrics", "said", "moral", "seconds",
    "plot",
}  # fmt: skip


def name(value: object) -> str:
    return value.script if isinstance(value, Part) else getattr(value, "name", str(value))


def script_of(root: Path, milestone: Milestone, part: Part) -> Path:
    return root / "milestones" / milestone.folder / part.script


def result_of(script: Path, *arguments: str) -> dict:
    run = run_script(script, "--json", *arguments)
    assert run.returncode == 0, run.stdout + run.stderr
    return json.loads(run.stdout)


@pytest.mark.parametrize(("milestone", "part"), QUICK, ids=name)
def test_part_reaches_its_targets_with_its_usual_seeds(trees, milestone, part):
    result = result_of(script_of(trees(max(part.needs)), milestone, part))
    assert result.keys() == KEYS and result["full"] is True
    assert (result["milestone"], result["part"]) == (milestone.id, part.number)
    assert result["title"] == part.title
    assert len(result["seeds"]) >= 5
    for target in part.targets:
        spread = result["metrics"][target.metric]
        assert len(spread["values"]) == len(result["seeds"])
        assert target.met_by(spread["mean"]), (target.text, spread)
    assert Path(result["plot"]).stat().st_size > 20_000


def test_crisis_is_the_one_of_the_book(trees):
    """Loss ln 2, a coin's accuracy, and no line that gets more than three points of four."""
    milestone = CURRICULUM.milestone("xor")
    metrics = result_of(script_of(trees(6), milestone, milestone.parts[0]))["metrics"]
    assert metrics["loss"]["mean"] == pytest.approx(0.6931, abs=1e-3)
    assert metrics["accuracy"]["mean"] == 0.5
    assert metrics["best_line_accuracy"]["values"] == [0.75] * 10


def test_tinydigits_network_has_the_size_it_claims(trees):
    milestone = CURRICULUM.milestone("mlp")
    script = script_of(trees(8), milestone, milestone.parts[0])
    metrics = result_of(script, "--seed=0", "--epochs=1", "--no-plot")["metrics"]
    assert metrics["parameters"]["mean"] == 2410


@pytest.mark.parametrize(("milestone", "part"), QUICK, ids=name)
def test_a_seed_gives_the_same_figures_every_time(trees, milestone, part):
    script = script_of(trees(max(part.needs)), milestone, part)
    first, second = (
        result_of(script, "--seed=3", "--epochs=2", "--no-plot")["metrics"] for _ in range(2)
    )
    assert first == second


@pytest.mark.parametrize(("milestone", "part"), PARTS, ids=name)
def test_package_that_lacks_the_last_module_says_which(trees, milestone, part):
    """What part 01.2 uses of Modules 05 to 07 is autograd and an optimizer."""
    last = {("01", 2): 6}.get((milestone.id, part.number), max(part.needs))
    run = run_script(script_of(trees(last - 1), milestone, part))
    assert run.returncode == 1 and "Traceback" not in run.stderr
    assert f"Module {last:02d}" in run.stderr and run.stdout == ""


def test_mnist_offline_is_a_message(trees, tmp_path):
    milestone = CURRICULUM.milestone("mlp")
    script = script_of(trees(8), milestone, milestone.parts[1])
    run = run_script(script, TINYTORCH_DATA_DIR=str(tmp_path))
    assert run.returncode == 1 and "Traceback" not in run.stderr
    assert "MNIST cannot be loaded" in run.stderr and "TINYTORCH_DATA_DIR" in run.stderr
    assert str(script.parents[1] / "datasets" / "mnist") in run.stderr


@pytest.mark.parametrize(("milestone", "part"), PARTS, ids=name)
def test_script_is_short_and_learns_with_tinytorch_alone(milestone, part):
    text = script_of(REPOSITORY, milestone, part).read_text(encoding="utf-8")
    assert len(text.splitlines()) < 120
    assert all(
        framework not in text for framework in ("torch.nn", "import torch", "sklearn", "tito.")
    )


@pytest.mark.parametrize("milestone", sorted({m for m, _ in PARTS}, key=lambda m: m.id), ids=name)
def test_readme_tells_how_to_run_every_part(milestone):
    text = (REPOSITORY / "milestones" / milestone.folder / "README.md").read_text(encoding="utf-8")
    assert f"tito milestone run {milestone.id}" in text
    assert all(part.script in text for part in milestone.parts)
