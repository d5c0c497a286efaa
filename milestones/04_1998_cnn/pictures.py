"""The plots of milestone 04."""

import numpy as np

from milestones.characters import digits, how_many_digits
from milestones.plotting import BLUE, COLOURS, GREY, ORANGE, legend_below, tiles

PLACES = 9  # of a digit that moves: up to a pixel up or down, and to the left or right
MARKERS = {"mlp": "s", "cnn": "o", "large_mlp": "D", "large_cnn": "^"}
FILTER_COLUMNS = 6


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
        label = f"{name.replace('_', ' ')}, {size:,} parameters"
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
