"""The manifest: lookups, order, and what the contract fixes."""

from __future__ import annotations

import pytest

from tito.curriculum.manifest import Target, load_manifest
from tito.errors import TitoError


def test_twenty_modules_in_order():
    modules = load_manifest().modules
    assert [m.number for m in modules] == list(range(1, 21))
    assert all(max(m.prerequisites, default=0) < m.number for m in modules)
    assert len({m.target for m in modules}) == 20


@pytest.mark.parametrize("ref", ["5", "05", 5, "autograd", "05_autograd", " Autograd "])
def test_module_is_found_by_any_of_its_names(ref):
    assert load_manifest().module(ref).number == 5


@pytest.mark.parametrize("ref", ["0", "21", "tensr", ""])
def test_unknown_module_suggests_and_says_where_to_look(ref):
    with pytest.raises(TitoError) as caught:
        load_manifest().module(ref)
    assert "tito module list" in caught.value.fix
    assert caught.value.exit_code == 2


def test_suggestion():
    with pytest.raises(TitoError, match="Did you mean 'tensor'"):
        load_manifest().module("tensr")


@pytest.mark.parametrize("ref", ["1", "01", "perceptron", "01_1957_perceptron"])
def test_milestone_by_name(ref):
    assert load_manifest().milestone(ref).year == 1957


def test_a_wrong_number_suggests_no_other_number():
    with pytest.raises(TitoError) as caught:
        load_manifest().module("44")
    assert "Did you mean" not in caught.value.message


def test_milestone_aliases():
    assert load_manifest().milestone("backprop").name == "mlp"
    assert load_manifest().milestone("lenet").name == "cnn"


def test_target_band():
    band = Target("accuracy", "about half", at_least=0.4, at_most=0.6)
    assert [band.met_by(x) for x in (0.3, 0.4, 0.6, 0.7)] == [False, True, True, False]
