"""The plots of milestone 03."""

import numpy as np

from milestones.characters import digits, how_many_digits
from milestones.plotting import BLUE, ORANGE, log_scale, tiles

UNITS_GRID, MISTAKES_GRID = (5, 6), (4, 3)  # rows, columns


def reading(model, images, labels):
    """The first images, for a terminal, and what the model reads in each."""
    shown = how_many_digits(images)
    return digits(images[:shown], labels[:shown], _outputs(model, images[:shown]).argmax(axis=1))


def draw_training(figure, stories):
    """What the hidden units look for, how training went, and what is hard to read."""
    first = next(iter(stories.values()))
    figure.set_size_inches(12.5, 5.6)
    units, training, mistakes = figure.subfigures(1, 3, width_ratios=(1.45, 1.1, 1.1))
    _hidden_units(units, first)
    _learning_curves(training, stories)
    _mistakes(mistakes, first)


def _hidden_units(figure, story):
    """The incoming weights of the most influential hidden units, as images."""
    weight1, _, weight2, _ = (np.asarray(p.data) for p in story["model"].parameters())
    influence = np.linalg.norm(weight1, axis=0) * np.linalg.norm(weight2, axis=1)
    chosen = np.argsort(-influence)[: np.prod(UNITS_GRID)]
    side = story["images"].shape[1]
    images = weight1.T[chosen].reshape(-1, side, side)
    limit = np.quantile(np.abs(images), 0.995)
    shown = tiles(figure, images, UNITS_GRID, cmap="PuOr", vmin=-limit, vmax=limit)
    bar = figure.colorbar(shown, ax=figure.axes, orientation="horizontal", shrink=0.6, aspect=30)
    bar.set_label("weight: ink here silences (orange) or excites (purple) the unit")
    _title(figure, f"What hidden units look for ({len(chosen)} of {weight1.shape[1]})")


def _learning_curves(figure, stories):
    """Loss and accuracy after each epoch: one thin line per seed."""
    loss, accuracy = figure.subplots(2, 1, sharex=True)
    for number, story in enumerate(stories.values()):
        epochs = np.arange(1, len(story["losses"]) + 1)
        train, test = ("training", "test") if number == 0 else (None, None)
        loss.plot(epochs, story["losses"], color=ORANGE, ls="--", lw=1, label=train)
        loss.plot(epochs, story["test_losses"], color=BLUE, lw=1, label=test)
        accuracy.plot(epochs, 100 * np.array(story["accuracies"]), color=BLUE, lw=1)
    loss.set(ylabel="loss")
    log_scale(loss.yaxis)
    loss.legend(loc="upper right", ncols=2)
    accuracy.set(xlabel="epoch", ylabel="test accuracy (%)")
    accuracy.grid(axis="y", lw=0.4)
    _title(figure, f"Training, {len(stories)} random start{'s' if len(stories) > 1 else ''}")


def _mistakes(figure, story):
    """Test digits that the network misreads, then those it was least sure of."""
    images, labels = story["images"], story["labels"]
    outputs = _outputs(story["model"], images)
    chances = np.exp(outputs - outputs.max(axis=1, keepdims=True))
    sure = (chances / chances.sum(axis=1, keepdims=True)).max(axis=1)
    read = outputs.argmax(axis=1)
    order = np.lexsort((sure, read == labels))[: np.prod(MISTAKES_GRID)]
    titles = [
        f"{labels[i]}, read as {read[i]}"
        if read[i] != labels[i]
        else f"{labels[i]}, {100 * sure[i]:.0f} % sure"
        for i in order
    ]
    tiles(figure, images[order], MISTAKES_GRID, titles, cmap="gray_r", vmin=0, vmax=1)
    wrong = np.count_nonzero(read != labels)
    rest = "; then the least sure" if wrong < len(order) else ""
    _title(figure, f"Misread: {wrong} of {len(images):,}{rest}")


def _outputs(model, images):
    """What the model answers to each image: ten numbers, the largest is its reading."""
    from tinytorch.core.tensor import Tensor

    return model(Tensor(images.reshape(len(images), -1))).data


def _title(figure, text):
    figure.suptitle(text, fontsize=11, fontweight="bold")
