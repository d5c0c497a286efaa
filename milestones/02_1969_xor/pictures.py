"""The plots of milestone 02."""

import numpy as np

from milestones.characters import key, plane
from milestones.plotting import (
    CLASS_COLOURS,
    GREY,
    curves,
    legend_below,
    log_scale,
    name_answers,
    shade_answers,
)

CORNERS = np.array([[0, 0], [0, 1], [1, 0], [1, 1]], dtype=np.float32)
DIFFERENT = np.array([False, True, True, False])
SPAN = np.linspace(-0.35, 1.35, 120, dtype=np.float32)  # the part of the plane that is shown
LN2 = np.log(2)


def in_characters(model):
    """What the model answers everywhere, and the four points, for a terminal."""
    return [*plane(_asked(model), CORNERS, DIFFERENT, SPAN[[0, -1]]), key("same", "different")]


def crisis(figure, stories):
    """Left: what the trained perceptron answers everywhere. Right: every loss ends at ln 2."""
    first = next(iter(stories.values()))
    plane, learning = figure.subplots(1, 2, width_ratios=(1, 1.3))
    _answers(plane, first["model"])
    for corner, output in zip(CORNERS, first["outputs"], strict=True):
        note = {"textcoords": "offset points", "ha": "center", "va": "bottom"}
        plane.annotate(f"says {output:.2f}", corner, (0, 9), **note)
    plane.set_title("What it answers after training")
    curves(learning, stories, "losses", start=1)
    _mark_ln2(learning, "ln 2: says 0.5 to everything")
    learning.set(xlabel="epoch", ylabel="loss", xscale="log", ylim=(0.66, None))
    learning.xaxis.set_major_formatter("{x:g}")
    learning.legend(loc="upper right")
    learning.set_title(f"{len(stories)} random starts, one end")


def solved(figure, stories):
    """The answers, the hidden layer's view of the four points, and the losses."""
    model = _first_success(stories)["model"]
    figure.set_size_inches(12.5, 5)
    plane, hidden, learning = figure.subplots(1, 3)
    _answers(plane, model)
    name_answers(plane, (0.03, 0.97, "says different"), (0.97, 0.97, "says same"))
    plane.set_title("What the network answers")
    _hidden_view(hidden, model)
    hidden.set_title("The hidden layer folds the square")
    curves(learning, stories, "losses", start=1)
    _mark_ln2(learning, "ln 2, where one layer ended")
    learning.set(xlabel="epoch", ylabel="loss", box_aspect=1)
    log_scale(learning.yaxis)
    learning.legend(loc="upper right", bbox_to_anchor=(1, 0.83))
    learning.set_title(f"Losses of {len(stories)} random starts")


def _first_success(stories):
    """The story of the first seed that got all four points; of the first seed if none did."""
    return min(stories.values(), key=lambda story: story["metrics"]["success_rate"] != 1.0)


def _asked(model):
    """A function that tells what the model answers to points (n, 2)."""
    from tinytorch.core.tensor import Tensor

    return lambda points: model(Tensor(points)).data


def _answers(axes, model):
    """Shade the plane by the model's answer and mark the four points of XOR."""
    x, y = np.meshgrid(SPAN, SPAN)
    answer = _asked(model)(np.stack([x, y], axis=-1).reshape(-1, 2)).reshape(x.shape)
    shade_answers(axes, x, y, answer)
    if answer.min() < 0.4 and answer.max() > 0.6:  # a boundary worth drawing
        axes.contour(x, y, answer, levels=[0.5], colors="black", linewidths=1.4)
    _points(axes, CORNERS)
    axes.set(xlabel="first input", ylabel="second input")
    axes.set(box_aspect=1, xticks=[0, 1], yticks=[0, 1])
    legend_below(axes, ncols=2, columnspacing=1)


def _points(axes, places):
    """The four points of XOR at `places`: circles where the inputs are the same, else squares."""
    for kind, marker, name in ((False, "o", "same"), (True, "s", "different")):
        how = {"marker": marker, "color": CLASS_COLOURS[kind], "ec": "white", "zorder": 3}
        axes.scatter(*places[kind == DIFFERENT].T, s=110, label=name, **how)


def _hidden_view(axes, model):
    """Project the hidden layer's space so that its dividing plane is the vertical line at 0.

    Across: the distance to the plane where the output is 0.5. Up: the direction in that plane in
    which the four points differ most. The grey net is the unit square: see how it is folded.
    """
    weight1, bias1, weight2, bias2 = (np.asarray(p.data) for p in model.parameters())

    def hidden(points):
        return np.maximum(points @ weight1 + bias1, 0)

    length = np.linalg.norm(weight2)
    normal = weight2[:, 0] / length
    corners = hidden(CORNERS)
    within = corners - corners.mean(axis=0)
    within = within - np.outer(within @ normal, normal)
    up = np.linalg.svd(within, full_matrices=False)[2][0]

    def place(points):
        described = hidden(points)
        return np.stack([described @ normal + bias2 / length, described @ up], axis=-1)

    _net(axes, place)
    places = place(CORNERS)
    _points(axes, places)
    for (x, y), spot in zip(CORNERS.astype(int), places, strict=True):
        rises = spot[1] >= places[DIFFERENT == (x != y)].mean(axis=0)[1]
        how = {"textcoords": "offset points", "ha": "right", "va": "bottom" if rises else "top"}
        axes.annotate(f"{x}, {y}", spot, (-9, 5 if rises else -5), **how)
    axes.margins(0.2)
    left, right = axes.get_xlim()
    for end, colour in ((left, CLASS_COLOURS[0]), (right, CLASS_COLOURS[1])):
        axes.axvspan(0, end, color=colour, alpha=0.12, lw=0, zorder=0)
    axes.axvline(0, color="black", lw=1.4)
    axes.set(xlim=(left, right), box_aspect=1, yticks=[])
    axes.set_xlabel("says same  <  distance to the dividing line  >  says different")
    legend_below(axes, handles=axes.lines[:1])


def _net(axes, place):
    """The unit square as a net of lines, moved to where `place` puts its points."""
    steps = np.linspace(0, 1, 41, dtype=np.float32)
    how = {"color": GREY, "lw": 0.6, "alpha": 0.7}
    for fixed in np.linspace(0, 1, 11, dtype=np.float32):
        line = np.stack([steps, np.full_like(steps, fixed)], axis=-1)
        label = "the square on the left, folded" if fixed == 0 else None
        axes.plot(*place(line).T, label=label, **how)
        axes.plot(*place(line[:, ::-1]).T, **how)


def _mark_ln2(axes, text):
    axes.axhline(LN2, color="black", ls="--", lw=1)
    across = axes.get_yaxis_transform()
    how = {"textcoords": "offset points", "ha": "right", "va": "top"}
    axes.annotate(text, (0.98, LN2), (0, -4), xycoords=across, **how)
