"""Does your framework learn? Four questions to each kind of network that you can build.

    python milestones/learning.py

A framework with a mistake in it often learns a little all the same, and nothing crashes. These
questions find out: does every parameter get a gradient, do all of them move, does the loss fall on
examples that were not trained on, and can the network learn a few examples by heart? The data are
made up, and small; all of it takes some seconds.
"""

import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from milestones import stage

BATCH, STEPS, LEARNING_RATE = 32, 200, 0.01
FEW = 8  # examples to learn by heart
FALLEN = 0.5  # of the loss before training must be gone, at least
BY_HEART = 0.05  # a loss that is as good as none
NUDGE, ROUNDING = 0.1, 1e-4  # what a parameter is moved by; a change of the loss that is none


# -- three kinds of networks, and something for each to learn --------------------------------------


def mlp():
    from tinytorch.core.activations import ReLU
    from tinytorch.core.layers import Linear, Sequential

    return Sequential(Linear(2, 32), ReLU(), Linear(32, 16), ReLU(), Linear(16, 2))


def points(count):
    """Points of a square, and whether each lies within a circle."""
    x = np.random.uniform(-1, 1, (count, 2))
    return x, (np.hypot(*x.T) < 0.8).astype(int)


def cnn():
    from tinytorch.core.activations import ReLU
    from tinytorch.core.layers import Linear, Sequential
    from tinytorch.core.spatial import Conv2d, Flatten, MaxPool2d

    return Sequential(
        *(Conv2d(1, 6, 3, padding=1), ReLU(), MaxPool2d(2)),
        *(Conv2d(6, 8, 3, padding=1), ReLU(), MaxPool2d(2)),
        *(Flatten(), Linear(32, 2)),
    )


def bars(count):
    """Noisy images with a bar of four pixels somewhere, and whether it lies or stands."""
    x, y = np.random.uniform(0, 0.3, (count, 1, 8, 8)), np.random.randint(0, 2, count)
    for image, lies in zip(x[:, 0], y, strict=True):
        along, across = np.random.randint(0, 5), np.random.randint(0, 8)
        (image if lies else image.T)[across, along : along + 4] += 1
    return x, y


def transformer():
    from tinytorch.core.transformer import GPT

    return GPT(vocab_size=5, embed_dim=16, num_layers=2, num_heads=2, max_seq_len=8)


def sequences(count):
    """Sequences of eight tokens, and for each place the token before (in the first: its own)."""
    x = np.random.randint(0, 5, (count, 8))
    return x, np.concatenate([x[:, :1], x[:, :-1]], axis=1)


@dataclass(frozen=True)
class Network:
    """A kind of network: how to build one, and `examples(count) -> (x, y)` for it to learn."""

    name: str
    build: Callable
    examples: Callable


NETWORKS = (
    Network("MLP", mlp, points),
    Network("CNN", cnn, bars),
    Network("Transformer", transformer, sequences),
)


# -- the questions ---------------------------------------------------------------------------------


@dataclass(frozen=True)
class Answer:
    """Whether the network does what was asked, and the figures."""

    question: str
    good: bool
    figures: str


def asked(network):
    """An Answer to each question; an error in the framework is an answer, too."""
    for question, ask in QUESTIONS.items():
        np.random.seed(0)
        try:
            good, figures = ask(network.build(), network.examples)
        except Exception as error:  # whatever a framework in the making may raise
            good, figures = False, f"{type(error).__name__}: {error}"
        yield Answer(question, good, figures)


def gradients(model, examples):
    """A gradient of 0 is one only where the loss does not depend on the parameter."""
    parameters, loss = _loss_of(model, examples)
    loss().backward()
    without = [p for p in parameters if not _has_gradient(p, loss)]
    return _all_but(without, parameters)


def movement(model, examples):
    """One step of training; what has a gradient must have changed."""
    from tinytorch.core.training import train_step

    parameters = model.parameters()
    before = [p.data.copy() for p in parameters]
    trainer = _trainer(model)
    train_step(model, trainer.optimizer, trainer.loss_fn, [_batch(examples, BATCH)])
    same = [
        p for p, old in zip(parameters, before, strict=True)
        if np.array_equal(p.data, old) and np.any(np.asarray(p.grad))
    ]  # fmt: skip
    return _all_but(same, parameters)


def generalisation(model, examples):
    """The loss on unseen examples, before and after training."""
    trainer, unseen = _trainer(model), [_batch(examples, 10 * BATCH)]
    before, _ = trainer.evaluate(unseen)
    trainer.train_epoch(_batch(examples, BATCH) for _ in range(STEPS))
    after, accuracy = trainer.evaluate(unseen)
    figures = f"{before:.3f} -> {after:.3f}, {100 * accuracy:.0f} % right"
    return after < (1 - FALLEN) * before, figures


def memory(model, examples):
    """The same few examples again and again."""
    trainer, few = _trainer(model), [_batch(examples, FEW)]
    trainer.train_epoch(few * STEPS)
    loss, accuracy = trainer.evaluate(few)
    return loss < BY_HEART and accuracy == 1, f"loss {loss:.4f}, {100 * accuracy:.0f} % right"


QUESTIONS = {
    "every parameter gets a gradient": gradients,
    "every parameter moves": movement,
    "the loss falls on new examples": generalisation,
    "a few examples are learned by heart": memory,
}


def _batch(examples, count):
    from tinytorch.core.tensor import Tensor

    x, y = examples(count)
    return Tensor(x), Tensor(y)


def _trainer(model):
    from tinytorch.core.losses import CrossEntropyLoss
    from tinytorch.core.optimizers import Adam
    from tinytorch.core.training import Trainer

    return Trainer(model, Adam(model.parameters(), lr=LEARNING_RATE), CrossEntropyLoss())


def _loss_of(model, examples):
    """The parameters, and a function that computes the loss of one and the same batch."""
    from tinytorch.core.losses import CrossEntropyLoss

    (x, y), loss_fn = _batch(examples, BATCH), CrossEntropyLoss()
    model.eval()  # no dropout: the loss depends on the parameters alone
    return model.parameters(), lambda: loss_fn(model(x), y)


def _has_gradient(parameter, loss):
    if parameter.grad is None:
        return False
    gradient = np.asarray(parameter.grad)
    if gradient.shape != parameter.shape or not np.isfinite(gradient).all():
        return False
    return bool(np.any(gradient)) or not _matters(parameter, loss)


def _matters(parameter, loss):
    """Whether the loss changes when the parameter does."""
    before = loss().item()
    parameter.data += NUDGE * np.random.randn(*parameter.shape).astype(np.float32)
    return abs(loss().item() - before) > ROUNDING


def _all_but(some, parameters):
    """The answer for a list of parameters that should be empty."""
    numbers = [i for i, p in enumerate(parameters) if any(p is one for one in some)]
    not_these = ", ".join(f"number {i} of shape {parameters[i].shape}" for i in numbers)
    figures = f"{len(parameters) - len(numbers)} of {len(parameters)}"
    return not numbers, figures + (f"; not {not_these}" if numbers else "")


# -- what one sees ---------------------------------------------------------------------------------


def main():
    """Ask every network that can be built; the number of bad answers."""
    bad = 0
    for network in NETWORKS:
        try:
            network.build()
        except ImportError as error:
            print(f"{network.name}: {error}\n")
            continue
        print(network.name)
        for answer in asked(network):
            print(f"  {answer.question:<36} {'yes' if answer.good else 'NO':<4} {answer.figures}")
            bad += not answer.good
        print()
    return bad


if __name__ == "__main__":
    with stage.your_code():
        import tinytorch  # noqa: F401
    raise SystemExit(1 if main() else 0)
