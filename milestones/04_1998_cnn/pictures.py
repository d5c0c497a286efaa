"""The plots of milestone 04."""

import numpy as np

from milestones.characters import digits, how_many_digits
from milestones.data_manager import CIFAR10_CLASSES
from milestones.plotting import COLOURS, legend_below, tiles

PLACES = 9  # of a digit that moves: up to a pixel up or down, and to the left or right
MARKERS = {"mlp": "s", "cnn": "o", "large_mlp": "D", "large_cnn": "^"}
SAID = {"mlp": "MLP", "cnn": "CNN", "large_mlp": "larger MLP", "large_cnn": "larger CNN"}
FILTER_COLUMNS = 6
FILTER_GRID, MISREAD_GRID = (6, 6), (3, 6)  # rows, columns


def everywhere(images):
    """Every image (N, 8, 8) in its nine places, one after the other: N images make 9 N."""
    framed = np.pad(images, ((0, 0), (1, 1), (1, 1)))
    places = [framed[:, down : down + 8, right : right + 8] for down, right in np.ndindex(3, 3)]
    return np.stack(places, axis=1).reshape(-1, 8, 8)


def answers(model, images):
    """What the model reads in each of a few images (N, channels, height, width)."""
    from tinytorch.core.autograd import no_grad
    from tinytorch.core.tensor import Tensor

    with no_grad():
        return model(Tensor(images)).data.argmax(axis=1)


def reading(model, images, labels):
    """The first images, for a terminal, and what the model reads in each."""
    shown = how_many_digits(images)
    return digits(images[:shown], labels[:shown], answers(model, images[:shown, None]))


def draw_comparison(figure, stories):
    """A digit that moves and how it is read; every seed's accuracy; what the filters look for."""
    first = next(iter(stories.values()))
    figure.set_size_inches(13, 5.8)
    places, accuracy, filters = figure.subfigures(1, 3, width_ratios=(1.05, 1, 1.25))
    digit = _nine_places(places, first)
    _accuracies(accuracy, stories)
    _filters(filters, first["models"]["cnn"], digit)


def _nine_places(figure, story):
    """The test digit on which the two networks differ most, in its places; returns its image."""
    moved, labels, models = everywhere(story["images"]), story["labels"], story["models"]
    read = {name: answers(models[name], moved[:, None]) for name in ("mlp", "cnn")}
    right = {name: (read[name].reshape(-1, PLACES) == labels[:, None]).sum(1) for name in read}
    chosen = int(np.argmax(right["cnn"] - right["mlp"]))
    here = slice(chosen * PLACES, (chosen + 1) * PLACES)
    names = [f"MLP {m}, CNN {c}" for m, c in zip(read["mlp"][here], read["cnn"][here], strict=True)]
    tiles(figure, moved[here], (3, 3), names, cmap="gray_r", vmin=0, vmax=1)
    counts = f"right in 9 places: MLP {right['mlp'][chosen]}, CNN {right['cnn'][chosen]}"
    _title(figure, f"A {labels[chosen]} that moves by a pixel\n{counts}")
    return story["images"][chosen]


def _accuracies(figure, stories):
    """Every seed's accuracy, at rest and moving: a line joins the means of a network."""
    axes = figure.subplots()
    for number, (name, marker) in enumerate(MARKERS.items()):
        shift = 0.04 * (number - 1.5)
        values = np.array(
            [[100 * story["accuracies"][name, moving] for moving in (False, True)]
             for story in stories.values()]
        )  # fmt: skip
        how = {"color": COLOURS[number], "marker": marker}
        for x in (0, 1):
            axes.scatter(np.full(len(values), x + shift), values[:, x], s=26, alpha=0.6, **how)
        size = sum(p.size for p in next(iter(stories.values()))["models"][name].parameters())
        label = f"{SAID[name]}, {size:,} parameters"
        axes.plot([shift, 1 + shift], values.mean(axis=0), lw=1.2, label=label, **how)
    axes.set(xlim=(-0.3, 1.3), xticks=(0, 1), ylabel="test accuracy (%)")
    axes.set_xticklabels(["at rest", "moving by a pixel"])
    axes.grid(axis="y", lw=0.4)
    legend_below(axes, ncols=1)
    _title(figure, f"Accuracy, {len(stories)} random start{'s' if len(stories) > 1 else ''}")


def _filters(figure, model, digit):
    """The first layer's filters, and the digit as each of them sees it."""
    from tinytorch.core.tensor import Tensor

    convolution, relu = model.layers[:2]
    kernels = np.asarray(convolution.weight.data)[:, 0]
    seen = relu(convolution(Tensor(digit[None, None]))).data[0]
    grid = (-(-len(kernels) // FILTER_COLUMNS), FILTER_COLUMNS)
    above, below = figure.subfigures(2, 1)
    limit = np.abs(kernels).max()
    tiles(above, kernels, grid, cmap="PuOr", vmin=-limit, vmax=limit)
    tiles(below, seen, grid, cmap="gray_r", vmin=0)
    _title(above, f"The {len(kernels)} filters: where ink excites (purple)")
    _title(below, "The digit, as each filter sees it")


def _title(figure, text):
    figure.suptitle(text, fontsize=11, fontweight="bold")


def draw_photographs(figure, stories):
    """How training went, what is mixed up with what, what the first layers look for, mistakes."""
    first = next(iter(stories.values()))
    figure.set_size_inches(14.5, 8.5)
    left, right = figure.subfigures(1, 2, width_ratios=(1, 1.1))
    curves, confusion = left.subfigures(2, 1, height_ratios=(1, 1.6))
    filters, mistakes = right.subfigures(2, 1, height_ratios=(1, 1.2))
    _learning_curves(curves, first["trainers"])
    _confusion(confusion, first["labels"], first["read"])
    of_cnn, of_mlp = filters.subfigures(1, 2)
    _first_layers(of_cnn, of_mlp, first["trainers"])
    _misread(mistakes, first)


def _learning_curves(figure, trainers):
    """Test accuracy before training and after each epoch."""
    axes = figure.subplots()
    for (name, trainer), colour, style in zip(trainers.items(), COLOURS, ("--", "-"), strict=False):
        percent = 100 * np.array(trainer.history["eval_accuracy"])
        axes.plot(percent, color=colour, ls=style, label=f"{name.upper()}, {percent[-1]:.1f} %")
    axes.set(xlabel="epoch", ylabel="test accuracy (%)")
    axes.xaxis.get_major_locator().set_params(integer=True)
    axes.grid(axis="y", lw=0.4)
    axes.legend(loc="lower right")
    _title(figure, "Photographs it had never seen")


def _confusion(figure, labels, read):
    """Of 100 photographs of a class (row), how many were read as which class (column)."""
    count = len(CIFAR10_CLASSES)
    table = np.bincount(count * labels + read, minlength=count**2).reshape(count, count)
    percent = 100 * table / np.maximum(1, table.sum(axis=1, keepdims=True))
    axes = figure.subplots()
    axes.imshow(percent, cmap="Purples", vmin=0, vmax=100)
    for row, column in np.ndindex(count, count):
        value = percent[row, column]
        if value >= 0.5:
            colour = "white" if value > 55 else "black"
            axes.text(
                column, row, f"{value:.0f}", ha="center", va="center", fontsize=8, color=colour
            )
    axes.set(xticks=range(count), yticks=range(count), xlabel="read as", ylabel="is")
    axes.set_xticklabels(CIFAR10_CLASSES, rotation=45, ha="right")
    axes.set_yticklabels(CIFAR10_CLASSES)
    axes.spines[:].set_visible(False)
    _title(figure, "Confusion matrix of the CNN: of 100 of a class, read as ...")


def _first_layers(of_cnn, of_mlp, trainers):
    """The CNN's filters, and as many of the MLP's hidden units, as small colour images."""
    kernels = np.asarray(trainers["cnn"].model.layers[0].weight.data)
    hidden, out = (trainers["mlp"].model.layers[i].weight.data for i in (1, 3))
    influence = np.linalg.norm(hidden, axis=0) * np.linalg.norm(out, axis=1)
    chosen = np.argsort(-influence)[: len(kernels)]
    tiles(of_cnn, _as_colours(kernels), FILTER_GRID)
    tiles(of_mlp, _as_colours(hidden.T[chosen].reshape(-1, 3, 32, 32)), FILTER_GRID)
    _title(of_cnn, f"All {len(kernels)} filters, 3 x 3 pixels")
    _title(of_mlp, f"{len(chosen)} hidden units of the MLP")


def _as_colours(weights):
    """Weights (N, 3, height, width) as colour images; grey is 0, each uses its own full range."""
    limit = np.abs(weights).max(axis=(1, 2, 3), keepdims=True)
    return (0.5 + 0.5 * weights / np.maximum(limit, 1e-12)).transpose(0, 2, 3, 1)


def _misread(figure, story):
    """The first photographs that the CNN misreads."""
    labels, read = story["labels"], story["read"]
    wrong = np.flatnonzero(labels != read)
    chosen = wrong[: np.prod(MISREAD_GRID)]
    names = [f"{CIFAR10_CLASSES[labels[i]]},\nread: {CIFAR10_CLASSES[read[i]]}" for i in chosen]
    tiles(figure, story["images"][chosen].transpose(0, 2, 3, 1), MISREAD_GRID, names)
    _title(figure, f"Misread: {len(wrong):,} of {len(labels):,}, here the first {len(chosen)}")
