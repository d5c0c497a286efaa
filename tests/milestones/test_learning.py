"""`learning.py`: a sound framework answers yes to everything, and each question can fail."""

from __future__ import annotations

import shutil

import numpy as np
import pytest
from milestone_kit import run_script

from milestones import learning
from tinytorch.core import autograd, optimizers

NETWORKS = {network.name: network for network in learning.NETWORKS}
GRADIENTS, MOVEMENT, GENERALISATION, MEMORY = learning.QUESTIONS


def refused(name: str) -> dict[str, str]:
    """The questions that are answered with no, and their figures."""
    return {a.question: a.figures for a in learning.asked(NETWORKS[name]) if not a.good}


@pytest.mark.parametrize("name", NETWORKS)
def test_the_reference_learns(name):
    assert refused(name) == {}


# -- broken engines --------------------------------------------------------------------------------


def break_rule(monkeypatch, operation: str, change) -> None:
    """Let `change(gradients)` alter what the backward rule of `operation` returns."""
    sound = autograd.RULES[operation]

    class Broken(sound):
        def apply(self, grad_output):
            return change(super().apply(grad_output))

    monkeypatch.setitem(autograd.RULES, operation, Broken)


def break_step(monkeypatch, before, after) -> None:
    """Do something before and after each step of the optimizer."""
    sound = optimizers.Adam.step

    def step(self):
        kept = before(self.params)
        sound(self)
        after(self.params, kept)

    monkeypatch.setattr(optimizers.Adam, "step", step)


LAYERS = [
    ("MLP", "linear", 1), ("MLP", "linear", 2),
    ("CNN", "conv2d", 1), ("CNN", "conv2d", 2),
    ("Transformer", "look_up", 0), ("Transformer", "layer_norm", 1),
    ("Transformer", "layer_norm", 2), ("Transformer", "linear", 1),
]  # fmt: skip


@pytest.mark.parametrize(("name", "operation", "which"), LAYERS)
@pytest.mark.parametrize("instead", ["nothing", "zeros", "not finite"])
def test_a_gradient_that_is_lost_is_found(monkeypatch, name, operation, which, instead):
    def lose(gradients):
        lost = list(gradients)
        values = {"nothing": None, "zeros": 0 * lost[which], "not finite": np.nan * lost[which]}
        lost[which] = values[instead]
        return tuple(lost)

    break_rule(monkeypatch, operation, lose)
    network = NETWORKS[name]
    good, figures = learning.gradients(network.build(), network.examples)
    assert not good and "; not number" in figures


@pytest.mark.parametrize("name", NETWORKS)
def test_a_parameter_that_the_step_leaves_out_is_found(monkeypatch, name):
    def put_back(params, kept):
        params[-1].data[...] = kept

    break_step(monkeypatch, lambda params: params[-1].data.copy(), put_back)
    found = refused(name)
    count = len(NETWORKS[name].build().parameters())
    assert found[MOVEMENT].startswith(f"{count - 1} of {count}; not number {count - 1}")
    assert GRADIENTS not in found


@pytest.mark.parametrize("name", NETWORKS)
def test_a_step_uphill_is_found(monkeypatch, name):
    def turn(params, _=None):
        for parameter in params:
            parameter.grad = -parameter.grad

    break_step(monkeypatch, turn, turn)
    found = refused(name)
    assert {GENERALISATION, MEMORY} == found.keys()


@pytest.mark.parametrize("name", NETWORKS)
def test_one_example_that_goes_wrong_is_found(monkeypatch, name):
    """An off-by-one in the loss's gradient: most is learned, but not everything by heart."""

    def spoil_the_last(gradients):
        spoiled = gradients[0].copy()
        spoiled.reshape(-1, spoiled.shape[-1])[-1] *= -1
        return spoiled, *gradients[1:]

    break_rule(monkeypatch, "cross_entropy", spoil_the_last)
    assert list(refused(name)) == [MEMORY]


@pytest.mark.parametrize("name", NETWORKS)
def test_an_error_is_an_answer(monkeypatch, name):
    def fail(gradients):
        raise ZeroDivisionError("by hand")

    break_rule(monkeypatch, "relu" if name == "CNN" else "linear", fail)
    found = refused(name)
    assert set(found.values()) == {"ZeroDivisionError: by hand"} and len(found) == 4


# -- as a learner runs it --------------------------------------------------------------------------


@pytest.mark.parametrize(("upto", "waiting"), [(7, {"CNN": 9, "Transformer": 13}), (13, {})])
def test_it_asks_what_is_built(trees, upto, waiting):
    run = run_script(trees(upto) / "milestones" / "learning.py")
    assert run.returncode == 0, run.stdout + run.stderr
    assert run.stdout.count(" yes ") == 4 * (3 - len(waiting)) and " NO " not in run.stdout
    for name, module in waiting.items():
        assert f"{name}: " in run.stdout and f"Module {module:02d}" in run.stdout


def test_the_framework_beside_it_is_the_one_that_is_asked(trees, tmp_path):

    root = shutil.copytree(trees(7), tmp_path / "tree")
    layers = root / "tinytorch" / "core" / "layers.py"
    text = layers.read_text(encoding="utf-8")
    spoiled = text.replace("np.sqrt(1.0 / in_features)", "0.0")
    assert spoiled != text
    layers.write_text(spoiled, encoding="utf-8")
    run = run_script(root / "milestones" / "learning.py")
    assert run.returncode == 1 and " NO " in run.stdout
