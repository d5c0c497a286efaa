"""Module 03: linear against PyTorch, the search through odd objects, claims of the text."""

from __future__ import annotations

from collections import OrderedDict, namedtuple
from dataclasses import dataclass

import numpy as np
import pytest
import torch

import tinytorch  # noqa: F401  (switches autograd on)
from tinytorch.core.layers import (
    Dropout,
    Layer,
    Linear,
    Sequential,
    children,
    collect_parameters,
    linear,
    set_training_mode,
)
from tinytorch.core.tensor import Tensor, compute

LEADING = [(), (1,), (5,), (0,), (2, 4), (2, 0), (2, 3, 4)]


@pytest.mark.parametrize("leading", LEADING)
@pytest.mark.parametrize("bias", [True, False])
def test_linear_and_its_gradients_like_torch(leading, bias):
    rng = np.random.default_rng(0)
    shapes = [(*leading, 3), (3, 2), (2,)][: 3 if bias else 2]
    arrays = [rng.standard_normal(shape).astype(np.float32) for shape in shapes]
    ours = [Tensor(array.copy(), requires_grad=True) for array in arrays]
    theirs = [torch.tensor(array, requires_grad=True) for array in arrays]
    result = compute(linear, *ours)
    expected = theirs[0] @ theirs[1] + (theirs[2] if bias else 0)
    np.testing.assert_allclose(result.data, expected.detach().numpy(), rtol=1e-5, atol=1e-6)
    gradient = rng.standard_normal(result.shape).astype(np.float32)
    result.backward(gradient)
    expected.backward(torch.tensor(gradient))
    for mine, other in zip(ours, theirs, strict=True):
        np.testing.assert_allclose(mine.grad.data, other.grad.numpy(), rtol=1e-5, atol=1e-5)


def test_a_linear_layer_is_one_node_of_the_graph():
    layer = Linear(3, 2)
    result = layer(Tensor(np.ones((4, 3))))
    assert result._grad_fn.saved_tensors[1:] == (layer.weight, layer.bias)


def test_data_gets_no_gradient_and_a_frozen_weight_none():
    layer, x = Linear(3, 2), Tensor(np.ones((4, 3)))
    layer.weight.requires_grad = False
    layer(x).sum().backward()
    assert x.grad is None and layer.weight.grad is None
    np.testing.assert_array_equal(layer.bias.grad.data, [4, 4])


def test_the_result_shares_no_memory_with_the_arguments():
    x, weight, bias = np.ones((4, 3)), np.ones((3, 2)), np.ones(2)
    result = linear(x, weight, bias)
    assert not any(np.shares_memory(result, array) for array in (x, weight, bias))


class Slotted:
    __slots__ = ("__private", "__weakref__", "weight")

    def __init__(self):
        self.__private = Linear(2, 3, bias=False)
        self.weight = Tensor(np.ones(4), requires_grad=True)


class SlottedMore(Slotted):
    __slots__ = "extra"  # a single name may stand without a tuple

    def __init__(self):
        super().__init__()
        self.extra = Tensor(np.ones(5), requires_grad=True)


class HalfSlotted(Slotted):
    def __init__(self):
        super().__init__()
        self.free = Tensor(np.ones(6), requires_grad=True)


@dataclass(slots=True)
class Record:
    first: Tensor
    second: Tensor


def shapes(model):
    return [parameter.shape for parameter in collect_parameters(model)]


def test_objects_with_slots_show_their_parameters():
    assert shapes(Slotted()) == [(2, 3), (4,)]
    assert shapes(SlottedMore()) == [(2, 3), (4,), (5,)]
    assert shapes(HalfSlotted()) == [(2, 3), (4,), (6,)]
    one, two = (Tensor(np.ones(n), requires_grad=True) for n in (1, 2))
    assert shapes(Record(one, two)) == [(1,), (2,)]


def test_a_slot_without_a_value_is_passed_over():
    empty = Slotted.__new__(Slotted)
    assert children(empty) == []


def test_containers_of_every_kind_are_entered():
    pair = namedtuple("pair", "left right")
    assert shapes(pair(Linear(1, 2), Linear(2, 3, bias=False))) == [(1, 2), (2,), (2, 3)]
    assert shapes(OrderedDict(a=Linear(1, 2, bias=False))) == [(1, 2)]


def test_a_model_of_any_depth_is_walked():
    deep = Linear(2, 2)
    for _ in range(20_000):
        deep = [deep]
    assert len(collect_parameters(deep)) == 2


def test_functions_arrays_and_generators_are_leaves():
    for leaf in (len, lambda: 1, np.ones(3), np.array([Linear(1, 1)], dtype=object), range(3)):
        assert children(leaf) == []


def test_modes_reach_objects_with_slots():
    class Mode:
        __slots__ = ("training",)

    mode = Mode()
    mode.training = True
    set_training_mode([mode], False)
    assert mode.training is False


# What the module's text says of PyTorch, seen by running both.


def test_a_plain_list_hides_layers_from_torch_and_not_from_us():
    class Theirs(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.parts = [torch.nn.Linear(3, 2)]

    class Ours(Layer):
        def __init__(self):
            self.parts = [Linear(3, 2)]

    assert list(Theirs().parameters()) == []
    assert len(Ours().parameters()) == 2


def test_torch_refuses_a_mode_that_is_no_bool_and_we_store_true():
    with pytest.raises(ValueError):
        torch.nn.Dropout().train(1)
    dropout = Dropout()
    set_training_mode(dropout, 1)
    assert dropout.training is True


def test_spread_of_the_first_weights_like_torch_as_the_text_says():
    torch.manual_seed(0)
    weight = torch.nn.Linear(300, 400).weight.detach().numpy()
    assert weight.shape == (400, 300)
    assert np.isclose(weight.std(), np.sqrt(1 / 900), rtol=0.02)
    assert np.abs(weight).max() <= np.sqrt(1 / 300)


def test_dropout_in_both_frameworks_drops_and_scales_alike():
    ones = np.ones(100_000, dtype=np.float32)
    torch.manual_seed(0)
    theirs = torch.nn.Dropout(0.2)(torch.tensor(ones)).numpy()
    np.random.seed(0)
    ours = Dropout(0.2)(Tensor(ones)).data
    np.testing.assert_allclose(np.unique(ours), np.unique(theirs))
    assert abs((ours == 0).mean() - (theirs == 0).mean()) < 0.01


def test_a_slice_of_a_sequential_shares_its_layers():
    model = Sequential(Linear(2, 2), Dropout(0.5), Linear(2, 2))
    assert model[2:][0] is model[2]
