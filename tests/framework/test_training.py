"""Module 07: schedule, clipping, the training step, evaluation and the trainer."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
import torch

from tinytorch.core.activations import Sigmoid, Tanh
from tinytorch.core.layers import Dropout, Layer, Linear, Sequential
from tinytorch.core.losses import BinaryCrossEntropyLoss, CrossEntropyLoss, MSELoss
from tinytorch.core.optimizers import SGD, Adam, AdamW
from tinytorch.core.tensor import Tensor
from tinytorch.core.training import (
    CosineSchedule,
    Trainer,
    WarmupSchedule,
    clip_grad_norm,
    count_correct,
    current_modes,
    train_step,
)


def batches_of(x, y, sizes):
    """The samples cut into consecutive batches of these sizes."""
    edges = np.cumsum([0, *sizes])
    return [(Tensor(x[a:b]), Tensor(y[a:b])) for a, b in itertools.pairwise(edges)]


def parameters_equal(first, second, **tolerance):
    pairs = zip(first.parameters(), second.parameters(), strict=True)
    for a, b in pairs:
        np.testing.assert_allclose(a.data, b.data, **tolerance)


class TestCosineSchedule:
    @pytest.mark.parametrize(("high", "low", "total"), [(0.1, 0.01, 100), (1.0, 0.0, 7), (3, 3, 1)])
    def test_formula_and_pytorch(self, high, low, total):
        schedule = CosineSchedule(high, low, total)
        optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=high)
        theirs = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, total, eta_min=low)
        for epoch in range(total + 1):
            formula = low + (high - low) * (1 + math.cos(math.pi * epoch / total)) / 2
            assert schedule.get_lr(epoch) == pytest.approx(formula, abs=1e-12)
            assert schedule.get_lr(epoch) == pytest.approx(theirs.get_last_lr()[0], abs=1e-9)
            optimizer.step()
            theirs.step()

    def test_defaults_and_the_time_after(self):
        schedule = CosineSchedule()
        assert (schedule.max_lr, schedule.min_lr, schedule.total_epochs) == (0.1, 0.01, 100)
        rates = [schedule.get_lr(epoch) for epoch in range(300)]
        assert all(a >= b for a, b in itertools.pairwise(rates))
        assert rates[100:] == [0.01] * 200
        assert all(type(rate) is float for rate in rates)

    @pytest.mark.parametrize(
        "settings",
        [
            {"max_lr": -1.0},
            {"min_lr": -0.1},
            {"max_lr": 0.1, "min_lr": 0.2},
            {"max_lr": math.nan},
            {"total_epochs": 0},
            {"total_epochs": -3},
            {"total_epochs": 2.5},
        ],
    )
    def test_invalid(self, settings):
        with pytest.raises(ValueError):
            CosineSchedule(**settings)

    def test_negative_epoch(self):
        with pytest.raises(ValueError, match="-1"):
            CosineSchedule().get_lr(-1)


class TestWarmupSchedule:
    @pytest.mark.parametrize("warmup", [-1, 2.5, 10, 11])
    def test_a_warm_up_that_cannot_be_is_refused_by_its_own_name(self, warmup):
        with pytest.raises(ValueError, match=f"warmup_epochs must be .* got {warmup} and 10"):
            WarmupSchedule(0.1, 0.01, warmup, 10)


class TestClipping:
    @staticmethod
    def parameters(scale, seed=0):
        rng = np.random.default_rng(seed)
        ours, theirs = [], []
        for shape in [(3, 4), (4,), (), (2, 2, 2)]:
            gradient = (rng.standard_normal(shape) * scale).astype(np.float32)
            ours.append(Tensor(np.zeros(shape), requires_grad=True))
            ours[-1].grad = Tensor(gradient)
            theirs.append(torch.zeros(shape, requires_grad=True))
            theirs[-1].grad = torch.tensor(gradient)
        return ours, theirs

    @pytest.mark.parametrize("scale", [1e-3, 0.1, 1.0, 1e3, 1e6])
    @pytest.mark.parametrize("max_norm", [0.01, 1.0, 50.0])
    def test_pytorch(self, scale, max_norm):
        ours, theirs = self.parameters(scale)
        norm = clip_grad_norm(ours, max_norm)
        reference = torch.nn.utils.clip_grad_norm_(theirs, max_norm).item()
        assert type(norm) is float and norm == pytest.approx(reference, rel=1e-5)
        for a, b in zip(ours, theirs, strict=True):
            np.testing.assert_allclose(a.grad.data, b.grad.numpy(), rtol=2e-4, atol=1e-9)
            assert a.grad.data.dtype == np.float32 and a.grad.shape == a.shape

    def test_exactly_max_norm(self):
        ours, _ = self.parameters(100.0)
        clip_grad_norm(ours, 2.5)
        assert clip_grad_norm(ours, math.inf) == pytest.approx(2.5, rel=1e-6)

    def test_short_gradients_are_not_touched(self):
        ours, _ = self.parameters(1e-3)
        kept = [parameter.grad for parameter in ours]
        clip_grad_norm(ours)
        assert all(p.grad is gradient for p, gradient in zip(ours, kept, strict=True))

    def test_missing_gradients_and_generators(self):
        ours, _ = self.parameters(10.0)
        ours[1].grad = None
        norm = clip_grad_norm(parameter for parameter in ours)
        rest = np.concatenate([p.grad.data.ravel() for p in ours if p.grad is not None])
        assert norm > 1 and np.linalg.norm(rest) == pytest.approx(1.0, rel=1e-6)
        assert ours[1].grad is None
        assert clip_grad_norm([]) == 0.0

    def test_shared_and_read_only_arrays(self):
        array = np.full(4, 10.0, dtype=np.float32)
        array.setflags(write=False)
        ours = [Tensor(np.zeros(4), requires_grad=True) for _ in range(2)]
        for parameter in ours:
            parameter.grad = array
        clip_grad_norm(ours, 1.0)
        for parameter in ours:
            np.testing.assert_allclose(np.asarray(parameter.grad), 1 / math.sqrt(8), rtol=1e-6)

    def test_gradients_whose_squares_overflow(self):
        parameter = Tensor(np.zeros(2), requires_grad=True)
        parameter.grad = Tensor([3e30, 4e30])
        assert clip_grad_norm([parameter]) == pytest.approx(5e30, rel=1e-6)
        np.testing.assert_allclose(parameter.grad.data, [0.6, 0.8], rtol=1e-6)

    @pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf])
    def test_no_direction_left(self, bad):
        ours, _ = self.parameters(1.0)
        ours[2].grad = Tensor(bad)
        before = [parameter.grad for parameter in ours]
        with pytest.raises(FloatingPointError, match="norm"):
            clip_grad_norm(ours)
        assert all(p.grad is gradient for p, gradient in zip(ours, before, strict=True))

    @pytest.mark.parametrize("max_norm", [0, -1.0, math.nan])
    def test_invalid_max_norm(self, max_norm):
        with pytest.raises(ValueError, match="max_norm"):
            clip_grad_norm([], max_norm)


class TestAccumulation:
    """The gradients of several batches are those of the one large batch."""

    @pytest.mark.parametrize("sizes", [[24], [12, 12], [6] * 4, [1] * 24, [10, 10, 4], [23, 1]])
    @pytest.mark.parametrize(
        "optimizer",
        [
            lambda params: SGD(params, lr=0.1, momentum=0.9),
            lambda params: AdamW(params, lr=0.01),
        ],
        ids=["SGD", "AdamW"],
    )
    @pytest.mark.parametrize("clip", [None, 0.05])
    def test_equals_the_large_batch(self, sizes, optimizer, clip):
        rng = np.random.default_rng(0)
        x, y = rng.standard_normal((24, 5)), rng.integers(0, 3, 24)
        models = []
        for cut in ([24], sizes):
            np.random.seed(1)
            model = Sequential(Linear(5, 8), Tanh(), Linear(8, 3))
            made = optimizer(model.parameters())
            trainer = Trainer(model, made, CrossEntropyLoss(), grad_clip_norm=clip)
            losses = [trainer.train_epoch(batches_of(x, y, cut), len(cut)) for _ in range(3)]
            assert trainer.step == 3
            models.append((model, losses))
        parameters_equal(models[0][0], models[1][0], rtol=1e-4, atol=1e-5)
        np.testing.assert_allclose(models[0][1], models[1][1], rtol=1e-5)

    def test_positions_of_different_lengths(self):
        """Batches (N, T) weigh by their number of labels."""
        rng = np.random.default_rng(2)
        x, y = rng.standard_normal((1, 10, 4)), rng.integers(0, 3, (1, 10))
        whole, cut = [(Tensor(x), Tensor(y))], []
        for a, b in [(0, 6), (6, 7), (7, 10)]:
            cut.append((Tensor(x[:, a:b]), Tensor(y[:, a:b])))
        models, results = [], []
        for batches in (whole, cut):
            np.random.seed(3)
            models.append(Linear(4, 3))
            sgd = SGD(models[-1].parameters(), lr=0.5)
            results.append(train_step(models[-1], sgd, CrossEntropyLoss(), batches))
        parameters_equal(*models, rtol=1e-5, atol=1e-6)
        assert results[0][0] == pytest.approx(results[1][0], rel=1e-5)
        assert results[0][1] == results[1][1] == 10

    def test_last_group_is_scaled_by_its_real_size(self):
        """Seven samples, batches of 2, groups of 2: updates of 4 and 3 samples."""
        rng = np.random.default_rng(4)
        x, y = rng.standard_normal((7, 3)), rng.standard_normal((7, 1))
        models = []
        for cut, steps in (([4, 3], 1), ([2, 2, 2, 1], 2)):
            np.random.seed(5)
            models.append(Linear(3, 1))
            trainer = Trainer(models[-1], SGD(models[-1].parameters(), lr=0.1), MSELoss())
            trainer.train_epoch(batches_of(x, y, cut), steps)
            assert trainer.step == 2
        parameters_equal(*models, rtol=1e-5, atol=1e-6)

    def test_plain_loop_in_pytorch(self):
        """Trainer against the loop one writes in PyTorch, accumulation and clipping included."""
        rng = np.random.default_rng(6)
        x, y = rng.standard_normal((32, 4)).astype(np.float32), rng.integers(0, 3, 32)
        np.random.seed(7)
        model = Sequential(Linear(4, 6), Tanh(), Linear(6, 3))
        first, second = model.layers[0], model.layers[2]
        theirs = torch.nn.Sequential(torch.nn.Linear(4, 6), torch.nn.Tanh(), torch.nn.Linear(6, 3))
        with torch.no_grad():
            for ours, layer in ((first, theirs[0]), (second, theirs[2])):
                layer.weight.copy_(torch.tensor(ours.weight.data.T))
                layer.bias.copy_(torch.tensor(ours.bias.data))
        trainer = Trainer(
            model,
            Adam(model.parameters()),
            CrossEntropyLoss(),
            CosineSchedule(0.05, 0.001, 5),
            grad_clip_norm=0.1,
        )
        optimizer = torch.optim.Adam(theirs.parameters(), lr=0.05)
        annealing = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, 5, 0.001)
        for _ in range(5):
            trainer.train_epoch(batches_of(x, y, [8] * 4), accumulation_steps=2)
            for group in (slice(0, 16), slice(16, 32)):
                optimizer.zero_grad()
                out = theirs(torch.tensor(x[group]))
                torch.nn.functional.cross_entropy(out, torch.tensor(y[group])).backward()
                torch.nn.utils.clip_grad_norm_(theirs.parameters(), 0.1)
                optimizer.step()
            annealing.step()
        np.testing.assert_allclose(
            first.weight.data, theirs[0].weight.detach().numpy().T, rtol=1e-3, atol=1e-4
        )


class Holder:
    """Not a Layer: Dropouts in a list, a dict and another plain object."""

    def __init__(self):
        self.linear = Linear(4, 4)
        self.parts = [Dropout(0.5), {"inner": Dropout(0.9)}]
        self.loop = self

    def forward(self, x):
        return self.parts[1]["inner"](self.parts[0](self.linear.forward(x)))

    def parameters(self):
        return self.linear.parameters()


class TestEvaluate:
    def test_dropout_in_nested_plain_objects_is_inactive(self):
        model = Holder()
        model.parts[0].training = False  # frozen on purpose
        trainer = Trainer(model, SGD(model.parameters()), MSELoss())
        x, y = np.random.randn(6, 4), np.random.randn(6, 4)
        expected = np.mean((x.astype(np.float32) @ model.linear.weight.data - y) ** 2)
        before = np.random.get_state()[1].copy()
        losses = [trainer.evaluate(batches_of(x, y, [6]))[0] for _ in range(3)]
        assert losses == pytest.approx([expected] * 3, rel=1e-5)
        assert np.array_equal(np.random.get_state()[1], before)
        assert not model.parts[0].training and model.parts[1]["inner"].training

    def test_modes_survive_an_error(self):
        model = Holder()
        modes = [mode for _, mode in current_modes(model)]
        trainer = Trainer(model, SGD(model.parameters()), MSELoss())
        with pytest.raises(ValueError):
            trainer.evaluate([(Tensor(np.zeros((2, 3))), Tensor(np.zeros((2, 4))))])
        assert [mode for _, mode in current_modes(model)] == modes == [True] * 3

    def test_training_mode_comes_back_with_the_next_epoch(self):
        model = Sequential(Linear(2, 2), Dropout(0.5))
        trainer = Trainer(model, SGD(model.parameters()), MSELoss())
        model.eval()
        trainer.evaluate(batches_of(np.zeros((2, 2)), np.zeros((2, 2)), [2]))
        assert not model.layers[1].training
        trainer.train_epoch(batches_of(np.zeros((2, 2)), np.zeros((2, 2)), [2]))
        assert model.layers[1].training

    @pytest.mark.parametrize("sizes", [[10], [4, 4, 2], [9, 1], [1] * 10])
    def test_does_not_depend_on_the_batches(self, sizes):
        rng = np.random.default_rng(0)
        x, y = rng.standard_normal((10, 3)), rng.integers(0, 4, 10)
        np.random.seed(0)
        model = Linear(3, 4)
        trainer = Trainer(model, SGD(model.parameters()), CrossEntropyLoss())
        loss, accuracy = trainer.evaluate(iter(batches_of(x, y, sizes)))
        scores = x.astype(np.float32) @ model.weight.data
        logs = scores - np.log(np.exp(scores).sum(axis=1, keepdims=True))
        assert loss == pytest.approx(-logs[np.arange(10), y].mean(), rel=1e-5)
        assert accuracy == np.mean(scores.argmax(axis=1) == y)
        assert trainer.history["eval_loss"] == [loss]
        assert trainer.history["eval_accuracy"] == [accuracy]

    def test_learns_nothing(self):
        model = Linear(2, 1)
        optimizer = SGD(model.parameters(), momentum=0.9)
        before = model.weight.data.copy()
        Trainer(model, optimizer, MSELoss()).evaluate(
            batches_of(np.ones((4, 2)), np.ones((4, 1)), [2, 2])
        )
        assert np.array_equal(before, model.weight.data)
        assert model.weight.grad is None and optimizer.step_count == 0

    @pytest.mark.parametrize("empty", [[], iter(())])
    def test_nothing_to_evaluate(self, empty):
        model = Linear(2, 1)
        trainer = Trainer(model, SGD(model.parameters()), MSELoss())
        with pytest.raises(ValueError, match="no batches"):
            trainer.evaluate(empty)
        assert trainer.history["eval_loss"] == []


class TestCountCorrect:
    @pytest.mark.parametrize(("out", "target"), [((5,), (5,)), ((5, 1), (5,)), ((5,), (5, 1))])
    def test_probabilities_of_every_shape(self, out, target):
        outputs = np.array([0.9, 0.1, 0.5, 0.6, 0.4], dtype=np.float32).reshape(out)
        targets = np.array([1, 0, 0, 0, 1], dtype=np.float32).reshape(target)
        assert count_correct(outputs, targets) == (3, 5)

    def test_classes_sequences_and_one_hot(self):
        rng = np.random.default_rng(0)
        scores, classes = rng.standard_normal((4, 5, 3)), rng.integers(0, 3, (4, 5))
        right = int((scores.argmax(axis=2) == classes).sum())
        assert count_correct(scores, classes) == (right, 20)
        assert count_correct(scores, np.eye(3)[classes]) == (right, 20)

    def test_plain_ints_come_back(self):
        assert [type(n) for n in count_correct(np.eye(3), np.arange(3))] == [int, int]

    def test_shapes_that_do_not_match(self):
        with pytest.raises(ValueError, match=r"\(3, 2\).*\(4,\)"):
            count_correct(np.zeros((3, 2)), np.zeros(4))


class TestTrainer:
    def test_history_and_counters(self):
        model = Linear(2, 1)
        schedule = CosineSchedule(0.1, 0.0, 4)
        trainer = Trainer(model, SGD(model.parameters(), lr=9.0), MSELoss(), schedule)
        batches = batches_of(np.ones((5, 2)), np.zeros((5, 1)), [2, 2, 1])
        assert (trainer.epoch, trainer.step) == (0, 0)
        losses = [trainer.train_epoch(batches) for _ in range(5)]
        assert (trainer.epoch, trainer.step) == (5, 15)
        assert trainer.history["train_loss"] == losses
        assert trainer.history["learning_rates"] == [schedule.get_lr(n) for n in range(5)]
        assert trainer.optimizer.lr == 0.0

    def test_anything_with_forward_can_be_trained(self):
        class Model:
            def __init__(self):
                self.weight = Tensor([[0.0]], requires_grad=True)

            def forward(self, x):
                return x @ self.weight

            def parameters(self):
                return [self.weight]

        class OnlyCall:
            def __call__(self, outputs, y):
                error = outputs - y
                return (error * error).mean()

        model = Model()
        trainer = Trainer(model, SGD(model.parameters(), lr=0.2), OnlyCall())
        for _ in range(30):
            trainer.train_epoch([(Tensor([[1.0]]), Tensor([[3.0]]))])
        np.testing.assert_allclose(model.weight.data, [[3.0]], rtol=1e-3)

    def test_used_up_generator(self):
        model = Linear(1, 1)
        trainer = Trainer(model, SGD(model.parameters()), MSELoss())
        generator = (batch for batch in batches_of(np.ones((2, 1)), np.ones((2, 1)), [1, 1]))
        trainer.train_epoch(generator)
        with pytest.raises(ValueError, match="no batches"):
            trainer.train_epoch(generator)
        assert (trainer.epoch, trainer.step, len(trainer.history["train_loss"])) == (1, 2, 1)

    @pytest.mark.parametrize("wrong", [0, -1, 1.5, "2", None, True])
    def test_invalid_accumulation(self, wrong):
        model = Linear(1, 1)
        trainer = Trainer(model, SGD(model.parameters(), lr=0.5), MSELoss(), CosineSchedule())
        with pytest.raises(ValueError, match="accumulation_steps"):
            trainer.train_epoch([(Tensor([[1.0]]), Tensor([[1.0]]))], wrong)
        assert trainer.optimizer.lr == 0.5

    @pytest.mark.parametrize("wrong", [0, -1.0, math.nan])
    def test_invalid_clipping(self, wrong):
        model = Linear(1, 1)
        with pytest.raises(ValueError, match="grad_clip_norm"):
            Trainer(model, SGD(model.parameters()), MSELoss(), grad_clip_norm=wrong)

    def test_exploding_loss_stops_before_the_parameters_are_lost(self):
        model = Linear(1, 1)
        trainer = Trainer(model, SGD(model.parameters()), MSELoss(), grad_clip_norm=1.0)
        before = model.weight.data.copy()
        with (
            np.errstate(all="ignore"),
            pytest.raises(FloatingPointError),
        ):
            trainer.train_epoch([(Tensor([[1e30]]), Tensor([[-1e30]]))])
        assert np.array_equal(model.weight.data, before)

    def test_only_one_graph_is_alive(self):
        """Each batch's backward() runs before the next batch's forward()."""
        seen = []

        class Watched(Layer):
            def __init__(self):
                self.weight = Tensor([[1.0]], requires_grad=True)

            def forward(self, x):
                seen.append(self.weight.grad is not None)
                return x @ self.weight

        model = Watched()
        batch = (Tensor([[1.0]]), Tensor([[0.0]]))
        Trainer(model, SGD([model.weight]), MSELoss()).train_epoch([batch] * 4, 2)
        assert seen == [False, True, False, True]

    def test_xor_is_learned(self):
        np.random.seed(0)
        x = np.array([[0, 0], [0, 1], [1, 0], [1, 1]])
        y = np.array([[0], [1], [1], [0]])
        model = Sequential(Linear(2, 8), Tanh(), Linear(8, 1), Sigmoid())
        trainer = Trainer(model, Adam(model.parameters(), lr=0.05), BinaryCrossEntropyLoss())
        for _ in range(300):
            trainer.train_epoch(batches_of(x, y, [4]))
        loss, accuracy = trainer.evaluate(batches_of(x, y, [3, 1]))
        assert accuracy == 1.0 and loss < 0.05
