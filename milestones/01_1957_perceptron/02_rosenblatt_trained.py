"""Milestone 01, part 2: the same perceptron learns.

After fifty trials the machine of 1958 could tell the cards apart, and nobody had told it how. The
model is that of part 1, random weights and all. What is new is the loop: forward, loss, backward,
step. Watch the border between "left" and "right" turn until it lies between the two heaps. Then it
learns two questions of logic, four points each: are both inputs 1 (AND)? Is any of them (OR)?

    python 02_rosenblatt_trained.py [--seed N] [--epochs N] [--plot FILE] [--json]
"""

import sys
from functools import partial
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
from cards import punch_cards
from pictures import CORNERS, GATES, cards_in_characters, gates_in_characters, learned_line

from milestones import stage

with stage.your_code():
    from tinytorch.core.activations import Sigmoid
    from tinytorch.core.autograd import no_grad
    from tinytorch.core.layers import Linear, Sequential
    from tinytorch.core.losses import BinaryCrossEntropyLoss
    from tinytorch.core.optimizers import SGD
    from tinytorch.core.tensor import Tensor


def run(seed, epochs, show):
    """Learn to sort cards, and then AND and OR."""
    np.random.seed(seed)
    sorting, story = sort_cards(epochs, show)
    logic, story["gates"] = learn_logic(epochs, show)
    return {**sorting, **logic}, story


def sort_cards(epochs, show):
    """Train on 200 cards; judge on 1,000 that the perceptron has never seen."""
    ink, right = punch_cards(200)
    new_ink, new_right = punch_cards(1000)
    model = Sequential(Linear(2, 1), Sigmoid())
    before = line_of(model)
    accuracies = []
    picture = partial(cards_in_characters, answers(model), ink, right)
    for epoch, loss in learn(model, ink, right, 0.3, epochs):
        accuracies.append(accuracy(model, new_ink, new_right))
        show(epoch, epochs, picture, about="cards", loss=loss, accuracy=accuracies[-1])

    metrics = {"accuracy_before": accuracies[0], "accuracy": accuracies[-1], "loss": loss}
    story = {"ink": ink, "right": right, "before": before, "after": line_of(model)}
    return metrics, {**story, "accuracies": accuracies}


def learn_logic(epochs, show):
    """One perceptron learns AND, another OR; each is judged on all the four points there are."""
    models = {name: Sequential(Linear(2, 1), Sigmoid()) for name in GATES}
    asked = {name: answers(model) for name, model in models.items()}
    picture = partial(gates_in_characters, asked)
    both = (learn(models[name], CORNERS, truth, 1.0, epochs) for name, truth in GATES.items())
    for (epoch, loss), (_, other_loss) in zip(*both, strict=True):
        show(epoch, epochs, picture, about="AND, OR", loss=(loss + other_loss) / 2)

    metrics = {
        f"{name}_accuracy": accuracy(models[name], CORNERS, truth) for name, truth in GATES.items()
    }
    return metrics, {name: line_of(model) for name, model in models.items()}


def learn(model, inputs, targets, lr, epochs):
    """Train on all examples at once; yield epoch and loss, the first time before any step."""
    x, y = Tensor(inputs), Tensor(targets)
    loss_fn = BinaryCrossEntropyLoss()
    optimizer = SGD(model.parameters(), lr=lr)
    yield 0, loss_fn(model(x), y).item()
    for epoch in range(1, epochs + 1):
        loss = loss_fn(model(x), y)  # how wrong is it?
        optimizer.zero_grad()
        loss.backward()  # which way is less wrong?
        optimizer.step()  # one step that way
        yield epoch, loss.item()


def answers(model):
    """A function that tells what the model answers to points (n, 2), without learning from it."""

    def answer(points):
        with no_grad():
            return model(Tensor(points)).data

    return answer


def accuracy(model, inputs, targets):
    """The share of examples answered correctly."""
    return np.mean((answers(model)(inputs) > 0.5) == (targets > 0.5))


def line_of(model):
    """The weights and the bias of the perceptron's line: w1 * x + w2 * y + b = 0."""
    weight, bias = model.parameters()
    return (*weight.data[:, 0].tolist(), bias.data.item())


if __name__ == "__main__":
    stage.play(
        __file__,
        title="Learning finds the line",
        run=run,
        draw=learned_line,
        seeds=range(5),
        epochs=100,
        moral="""
The model and the task are those of part 1; only the learning loop is new. The same loop finds a
line for AND and another for OR. But a line is all it can find. And where no line will do?
""",
    )
