"""Module 06 against PyTorch: the same trajectory over 100 steps, and what PyTorch has no say in."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from tinytorch.core.activations import Tanh
from tinytorch.core.losses import MSELoss
from tinytorch.core.optimizers import SGD, Adam, AdamW, Optimizer
from tinytorch.core.tensor import Tensor

SHAPES = [(4, 3), (3,), (1,), (2, 2, 2)]
STEPS = 100
VARIANTS = [
    (SGD, torch.optim.SGD, {"lr": 0.05}),
    (SGD, torch.optim.SGD, {"lr": 0.05, "weight_decay": 0.1}),
    (SGD, torch.optim.SGD, {"lr": 0.01, "momentum": 0.9}),
    (SGD, torch.optim.SGD, {"lr": 0.01, "momentum": 0.5, "weight_decay": 0.3}),
    (Adam, torch.optim.Adam, {}),
    (Adam, torch.optim.Adam, {"lr": 0.05, "betas": (0.8, 0.95), "eps": 1e-4}),
    (Adam, torch.optim.Adam, {"lr": 0.01, "weight_decay": 0.2}),
    (AdamW, torch.optim.AdamW, {}),
    (AdamW, torch.optim.AdamW, {"lr": 0.05, "betas": (0.8, 0.99), "eps": 1e-3}),
    (AdamW, torch.optim.AdamW, {"lr": 0.02, "weight_decay": 0.5}),
]
NAMES = [f"{ours.__name__} {settings}" for ours, _, settings in VARIANTS]
KINDS = [
    (SGD, {"lr": 0.1}),
    (SGD, {"lr": 0.1, "momentum": 0.9, "weight_decay": 0.01}),
    (Adam, {"lr": 0.1, "weight_decay": 0.01}),
    (AdamW, {"lr": 0.1}),
]
KIND_NAMES = ["SGD", "SGD momentum", "Adam", "AdamW"]


def make_parameters(seed: int = 0) -> tuple[list[Tensor], list[torch.Tensor]]:
    """The same random parameters for both engines."""
    rng = np.random.default_rng(seed)
    arrays = [rng.standard_normal(shape).astype(np.float32) for shape in SHAPES]
    ours = [Tensor(array.copy(), requires_grad=True) for array in arrays]
    theirs = [torch.tensor(array, requires_grad=True) for array in arrays]
    return ours, theirs


def set_gradients(ours: list[Tensor], theirs: list[torch.Tensor], rng, missing=()) -> None:
    """The same random gradient in both engines; None for the parameters in `missing`."""
    for index, (a, b) in enumerate(zip(ours, theirs, strict=True)):
        gradient = rng.standard_normal(a.shape).astype(np.float32) * 10.0 ** (index - 2)
        a.grad = None if index in missing else Tensor(gradient)
        b.grad = None if index in missing else torch.tensor(gradient)


def assert_same(ours: list[Tensor], theirs: list[torch.Tensor]) -> None:
    for a, b in zip(ours, theirs, strict=True):
        np.testing.assert_allclose(a.data, b.detach().numpy(), rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize(("kind", "oracle", "settings"), VARIANTS, ids=NAMES)
def test_trajectory_is_that_of_pytorch(kind, oracle, settings):
    ours, theirs = make_parameters()
    optimizer, reference = kind(ours, **settings), oracle(theirs, **settings)
    rng = np.random.default_rng(1)
    for step in range(STEPS):
        set_gradients(ours, theirs, rng)
        if step == 50:  # the learning rate may change at any time
            optimizer.lr = reference.param_groups[0]["lr"] = optimizer.lr / 3
        optimizer.step()
        reference.step()
        assert_same(ours, theirs)
    assert optimizer.step_count == STEPS


@pytest.mark.parametrize(("kind", "oracle", "settings"), VARIANTS, ids=NAMES)
def test_trajectory_with_missing_gradients_is_that_of_pytorch(kind, oracle, settings):
    ours, theirs = make_parameters()
    optimizer, reference = kind(ours, **settings), oracle(theirs, **settings)
    rng = np.random.default_rng(2)
    for step in range(STEPS):
        # Parameter 1 joins at step 10, parameter 2 takes part in every third step only.
        missing = {1} if step < 10 else set()
        set_gradients(ours, theirs, rng, missing | ({2} if step % 3 else set()))
        optimizer.step()
        reference.step()
        assert_same(ours, theirs)


@pytest.mark.parametrize(("kind", "oracle", "settings"), VARIANTS, ids=NAMES)
def test_network_trains_as_in_pytorch(kind, oracle, settings):
    """Gradients from both engines' own backward(): a two-layer network on a regression."""
    # A larger rate makes Adam's path chaotic: it blows up the last bit of each gradient.
    settings = {**settings, "lr": min(settings.get("lr", 0.001), 0.01)}
    rng = np.random.default_rng(3)
    x = rng.standard_normal((16, 4)).astype(np.float32)
    y = np.sin(x.sum(axis=1, keepdims=True))
    arrays = [rng.standard_normal(s).astype(np.float32) / 2 for s in [(4, 8), (8,), (8, 1), (1,)]]
    ours = [Tensor(array.copy(), requires_grad=True) for array in arrays]
    theirs = [torch.tensor(array, requires_grad=True) for array in arrays]
    optimizer, reference = kind(ours, **settings), oracle(theirs, **settings)
    loss_fn = MSELoss()
    first = last = math.inf
    for _ in range(STEPS):
        optimizer.zero_grad()
        reference.zero_grad()
        w1, b1, w2, b2 = ours
        loss = loss_fn(Tanh()(Tensor(x) @ w1 + b1) @ w2 + b2, Tensor(y))
        loss.backward()
        v1, c1, v2, c2 = theirs
        prediction = torch.tanh(torch.tensor(x) @ v1 + c1) @ v2 + c2
        torch.nn.functional.mse_loss(prediction, torch.tensor(y)).backward()
        optimizer.step()
        reference.step()
        first, last = (loss.item() if first == math.inf else first), loss.item()
    for a, b in zip(ours, theirs, strict=True):
        np.testing.assert_allclose(a.data, b.detach().numpy(), rtol=1e-5, atol=1e-5)
    assert last < first


@pytest.mark.parametrize(("kind", "settings"), KINDS, ids=KIND_NAMES)
class TestMemory:
    def test_everything_is_in_place_and_float32(self, kind, settings):
        ours, theirs = make_parameters()
        optimizer = kind(ours, **settings)
        data = [parameter.data for parameter in ours]
        buffers = optimizer.buffers()
        for seed in range(3):
            set_gradients(ours, theirs, np.random.default_rng(seed))
            optimizer.lr = np.float64(0.01)  # a NumPy scalar must not widen anything
            optimizer.step()
        assert all(p.data is array for p, array in zip(ours, data, strict=True))
        assert all(optimizer.buffers()[name] is array for name, array in buffers.items())
        assert all(p.data.dtype == np.float32 for p in ours)
        moments = [array for name, array in buffers.items() if name != "updates"]
        assert all(array.dtype == np.float32 for array in moments)
        assert type(optimizer.lr) is float

    def test_gradients_are_only_read(self, kind, settings):
        ours, theirs = make_parameters()
        set_gradients(ours, theirs, np.random.default_rng(0))
        kept = [parameter.grad for parameter in ours]
        copies = [np.array(gradient.data) for gradient in kept]
        for parameter in ours:
            parameter.grad.data.setflags(write=False)
        kind(ours, **settings).step()
        assert all(p.grad is gradient for p, gradient in zip(ours, kept, strict=True))
        assert all(np.array_equal(g.data, c) for g, c in zip(kept, copies, strict=True))

    def test_float64_gradients_are_accepted(self, kind, settings):
        parameter = Tensor([1.0, 2.0], requires_grad=True)
        parameter.grad = np.array([0.5, -0.5])
        kind([parameter], **settings).step()
        assert parameter.data.dtype == np.float32
        assert not np.allclose(parameter.data, [1.0, 2.0])

    def test_scalar_parameter(self, kind, settings):
        parameter = Tensor(2.0, requires_grad=True)
        parameter.grad = Tensor(1.0)
        kind([parameter], **settings).step()
        assert parameter.shape == () and parameter.item() < 2.0


def test_plain_sgd_holds_no_memory():
    parameter = Tensor(np.zeros((100, 100)), requires_grad=True)
    sgd = SGD([parameter])
    parameter.grad = Tensor(np.ones((100, 100)))
    sgd.step()
    assert sgd.buffers() == {} and "momentum_buffers" not in vars(sgd)
    held = [sum(a.nbytes for a in kind([parameter]).buffers().values()) for kind in (Adam, AdamW)]
    assert held == [2 * parameter.data.nbytes + 8] * 2


class TestParameters:
    def test_generator_is_walked_once(self):
        tensors = [Tensor([float(n)], requires_grad=True) for n in range(3)]
        optimizer = SGD(tensor for tensor in tensors)
        assert all(a is b for a, b in zip(optimizer.params, tensors, strict=True))
        for tensor in tensors:
            tensor.grad = Tensor([1.0])
        optimizer.step()
        optimizer.zero_grad()
        assert all(tensor.grad is None for tensor in tensors)

    def test_shared_tensor_is_updated_once(self):
        tied = Tensor([1.0], requires_grad=True)
        optimizer = SGD([tied, tied], lr=0.1)
        tied.grad = Tensor([1.0])
        optimizer.step()
        np.testing.assert_allclose(tied.data, [0.9])

    @pytest.mark.parametrize(
        ("faulty", "named"),
        [
            (lambda w: [], "empty"),
            (lambda w: iter(()), "empty"),
            (lambda w: [w, Tensor([1.0])], r"params\[1\]"),
            (lambda w: [w, None], r"params\[1\]"),
            (lambda w: [np.ones(2)], r"params\[0\]"),
            (lambda w: {"weight": w}, r"params\[0\]"),
            (lambda w: [w, w * 0.1], r"params\[1\].*operation"),
            (lambda w: w, "list"),
        ],
    )
    @pytest.mark.parametrize("kind", [Optimizer, SGD, Adam, AdamW])
    def test_faulty_lists(self, kind, faulty, named):
        with pytest.raises(ValueError, match=named):
            kind(faulty(Tensor([1.0, 2.0], requires_grad=True)))

    def test_nothing_moves_when_one_gradient_has_another_shape(self):
        first, second = Tensor([1.0], requires_grad=True), Tensor([1.0], requires_grad=True)
        optimizer = SGD([first, second])
        first.grad, second.grad = Tensor([1.0]), np.ones(2, dtype=np.float32)
        with pytest.raises(ValueError, match=r"params\[1\]"):
            optimizer.step()
        assert first.data.tolist() == [1.0]

    def test_gradient_of_another_shape(self):
        parameter = Tensor(np.zeros((2, 3)), requires_grad=True)
        optimizer = SGD([parameter])
        parameter.grad = np.ones(3, dtype=np.float32)
        with pytest.raises(ValueError, match=r"params\[0\].*\(2, 3\).*\(3,\)"):
            optimizer.step()
        assert optimizer.step_count == 0 and not parameter.data.any()


@pytest.mark.parametrize(
    ("kind", "settings"),
    [
        *((kind, {"lr": bad}) for kind in (SGD, Adam, AdamW) for bad in (-0.1, math.nan, math.inf)),
        *((kind, {"weight_decay": -1.0}) for kind in (SGD, Adam, AdamW)),
        *((SGD, {"momentum": bad}) for bad in (-0.1, 1.0, math.nan, None)),
        *((Adam, {"betas": bad}) for bad in ((1.0, 0.9), (0.9, 1.0), (-0.1, 0.9), (0.9,), 0.9)),
        *((kind, {"eps": bad}) for kind in (Adam, AdamW) for bad in (-1e-8, math.nan)),
        (SGD, {"lr": "0.1"}),
        (SGD, {"lr": None}),
    ],
)
def test_invalid_settings(kind, settings):
    with pytest.raises(ValueError):
        kind([Tensor([1.0], requires_grad=True)], **settings)


def test_invalid_learning_rate_later():
    optimizer = Adam([Tensor([1.0], requires_grad=True)], lr=0.5)
    with pytest.raises(ValueError, match="lr"):
        optimizer.lr = math.nan
    assert optimizer.lr == 0.5


@pytest.mark.parametrize(("kind", "settings"), KINDS, ids=KIND_NAMES)
class TestState:
    def run(self, parameters, optimizer, seed, steps=4):
        rng = np.random.default_rng(seed)
        for _ in range(steps):
            for index, parameter in enumerate(parameters):
                gradient = Tensor(rng.standard_normal(parameter.shape))
                parameter.grad = gradient if index or seed != 1 else None
            optimizer.step()

    def test_restart_continues_bit_for_bit(self, kind, settings):
        ours, _ = make_parameters()
        optimizer = kind(ours, **settings)
        self.run(ours, optimizer, seed=1)
        state = optimizer.state_dict()
        other, _ = make_parameters(seed=9)
        for mine, kept in zip(other, ours, strict=True):
            mine.data = kept.data.copy()
        resumed = kind(other, **{**settings, "lr": 0.7})
        resumed.load_state_dict(state)
        self.run(ours, optimizer, seed=2)
        self.run(other, resumed, seed=2)
        assert resumed.lr == optimizer.lr and resumed.step_count == 8
        assert all(np.array_equal(a.data, b.data) for a, b in zip(ours, other, strict=True))

    def test_state_is_plain_and_a_copy(self, kind, settings):
        ours, _ = make_parameters()
        optimizer = kind(ours, **settings)
        self.run(ours, optimizer, seed=3)
        state = optimizer.state_dict()
        assert all(type(value) in (str, int, float, np.ndarray) for value in state.values())
        before = {k: v.copy() if isinstance(v, np.ndarray) else v for k, v in state.items()}
        self.run(ours, optimizer, seed=4)
        for name, value in before.items():
            assert np.array_equal(state[name], value), name
        optimizer.load_state_dict(state)
        self.run(ours, optimizer, seed=4)
        for name, value in before.items():
            assert np.array_equal(state[name], value), name

    def test_what_does_not_fit_changes_nothing(self, kind, settings):
        ours, _ = make_parameters()
        optimizer = kind(ours, **settings)
        self.run(ours, optimizer, seed=5)
        good = optimizer.state_dict()
        self.run(ours, optimizer, seed=6)
        before = optimizer.state_dict()
        faulty = [
            {},
            {**good, "optimizer": "Adagrad"},
            {**good, "extra": 1.0},
            {**good, "extra.0": np.zeros(2)},
            {**good, "lr": math.nan},
            {**good, "lr": "0.1"},
            {**good, "weight_decay": -1.0},
            {**good, "step_count": -1},
            {**good, "step_count": 2.5},
            *({k: v for k, v in good.items() if k != name} for name in good),
            *(
                {**good, name: value[..., None]}
                for name, value in good.items()
                if isinstance(value, np.ndarray)
            ),
            *(
                {**good, name: value.astype(str)}
                for name, value in good.items()
                if isinstance(value, np.ndarray)
            ),
        ]
        for state in faulty:
            with pytest.raises(ValueError):
                optimizer.load_state_dict(state)
            after = optimizer.state_dict()
            assert after.keys() == before.keys()
            assert all(np.array_equal(after[name], before[name]) for name in before)


def test_state_of_another_kind():
    parameters = [Tensor([1.0], requires_grad=True)]
    made = [SGD(parameters, momentum=0.9), Adam(parameters), AdamW(parameters)]
    for optimizer in made:
        for other in made:
            if type(other) is not type(optimizer):
                with pytest.raises(ValueError, match=type(other).__name__):
                    optimizer.load_state_dict(other.state_dict())


@pytest.mark.parametrize("fits", [True, False])
@pytest.mark.parametrize(("saved", "made"), [(0.9, 0.0), (0.0, 0.9), (0.9, 0.5)])
def test_momentum_comes_with_the_state(saved, made, fits):
    parameters = [Tensor([1.0, 2.0], requires_grad=True)]
    parameters[0].grad = Tensor([1.0, -1.0])
    first, second = SGD(parameters, lr=0.3, momentum=saved), SGD(parameters, momentum=made)
    first.step()
    state, before = first.state_dict(), second.state_dict()
    if fits:
        second.load_state_dict(state)
        expected = state
    else:
        with pytest.raises(ValueError, match=r"velocity\.1"):
            second.load_state_dict({**state, "velocity.1": np.zeros(2)})
        expected = before
    after = second.state_dict()
    assert after.keys() == expected.keys()
    assert all(np.array_equal(after[name], expected[name]) for name in expected)


class TestMomentumState:
    def test_round_trip(self):
        ours, theirs = make_parameters()
        first = SGD(ours, momentum=0.9)
        assert first.has_momentum() and not SGD(ours).has_momentum()
        set_gradients(ours, theirs, np.random.default_rng(0))
        first.step()
        state = first.get_momentum_state()
        second = SGD(ours, momentum=0.9)
        second.set_momentum_state(state)
        state[0][...] = 99.0  # a copy in both directions
        for a, b in zip(first.momentum_buffers, second.momentum_buffers, strict=True):
            assert np.array_equal(a, b) and a is not b

    def test_none(self):
        ours, theirs = make_parameters()
        plain, heavy = SGD(ours), SGD(ours, momentum=0.9)
        assert plain.get_momentum_state() is None
        plain.set_momentum_state(None)
        set_gradients(ours, theirs, np.random.default_rng(0))
        heavy.step()
        heavy.set_momentum_state(None)
        assert not any(velocity.any() for velocity in heavy.momentum_buffers)

    def test_faults_change_nothing(self):
        ours, theirs = make_parameters()
        heavy = SGD(ours, momentum=0.9)
        set_gradients(ours, theirs, np.random.default_rng(0))
        heavy.step()
        before = heavy.get_momentum_state()
        for wrong in ([], before[:-1], [*before, before[0]], [np.zeros(1), *before[1:]]):
            with pytest.raises(ValueError):
                heavy.set_momentum_state(wrong)
        after = heavy.get_momentum_state()
        assert all(np.array_equal(a, b) for a, b in zip(before, after, strict=True))
        with pytest.raises(ValueError):
            SGD(ours).set_momentum_state(before)


def test_momentum_switched_on_later():
    parameter = Tensor([1.0], requires_grad=True)
    optimizer = SGD([parameter], lr=0.1)
    optimizer.momentum = 0.9
    for _ in range(2):
        parameter.grad = Tensor([1.0])
        optimizer.step()
    np.testing.assert_allclose(parameter.data, [0.71], rtol=1e-6)


def test_first_adam_step_is_lr_long_whatever_the_gradient():
    gradients = np.array([1e-4, -1e-2, 1.0, -1e4, 1e10], dtype=np.float32)
    parameter = Tensor(np.zeros(5), requires_grad=True)
    parameter.grad = Tensor(gradients)
    Adam([parameter], lr=0.1).step()
    np.testing.assert_allclose(parameter.data, -0.1 * np.sign(gradients), rtol=1e-3)


def test_state_is_float32_whatever_the_parameter_is():
    """What "Read the source" of Module 06 says: PyTorch's state follows the parameter's dtype."""
    ours = Tensor(np.ones(2, dtype=np.float16), requires_grad=True)
    ours.grad = Tensor(np.full(2, 0.001, dtype=np.float16))
    Adam([ours], lr=0.001).step()
    assert ours.data.dtype == np.float16
    np.testing.assert_allclose(ours.data, 0.999, rtol=1e-3)
    theirs = torch.ones(2, requires_grad=True, dtype=torch.float16)
    theirs.grad = torch.full((2,), 0.001, dtype=torch.float16)
    reference = torch.optim.Adam([theirs], lr=0.001)
    reference.step()
    assert reference.state[theirs]["exp_avg_sq"].tolist() == [0.0, 0.0]
    assert theirs.isinf().all()


def test_a_tensor_without_requires_grad_is_refused_here_and_accepted_there():
    with pytest.raises(ValueError, match="requires_grad"):
        SGD([Tensor([1.0])])
    torch.optim.SGD([torch.ones(1)])
