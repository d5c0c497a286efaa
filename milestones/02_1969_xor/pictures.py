"""The plots of milestone 02."""

import numpy as np

from milestones.plotting import (
    CLASS_COLOURS,
    GREY,
    curves,
    legend_below,
    log_scale,
    shade_answers,
)

CORNERS = np.array([[0, 0], [0, 1], [1, 0], [1, 1]], dtype=np.float32)
DIFFERENT = np.array([False, True, True, False])
SPAN = np.linspace(-0.35, 1.35, 120, dtype=np.float32)  # the part of the plane that is shown
LN2 = np.log(2)


def crisis(figure, stories):
    """Left: what the trained perceptron answers everywhere. Right: every loss ends at ln 2."""
    first = next(iter(stories.values()))
    plane, learning = figure.subplots(1, 2, width_ratios=(1.15, 1.3))
    _answers(figure, plane, first["model"])
    for corner, output in zip(CORNERS, first["outputs"], strict=True):
        note = {"textcoords": "offset points", "ha": "center", "va": "bottom"}
        plane.annotate(f"says {output:.2f}", corner, (0, 9), **note)
    plane.set_title("After training: 0.5 to everything")
    curves(learning, stories, "losses", start=1)
    _mark_ln2(learning)
    learning.set(xlabel="epoch", ylabel="loss", xscale="log", ylim=(0.5, None))
    learning.set_title(f"{len(stories)} random starts, one end")


def solved(figure, stories):
    """The answers, the hidden layer's view of the four points, and the losses."""
    model = _first_success(stories)["model"]
    figure.set_size_inches(12.5, 4.8)
    plane, hidden, learning = figure.subplots(1, 3, width_ratios=(1.06, 1, 1))
    _answers(figure, plane, model)
    plane.set_title("What the network answers")
    _hidden_view(hidden, model)
    hidden.set_title("What the last layer sees")
    curves(learning, stories, "losses", start=1)
    _mark_ln2(learning)
    learning.set(xlabel="epoch", ylabel="loss", box_aspect=1)
    log_scale(learning.yaxis)
    learning.set_title(f"Losses of {len(stories)} random starts")


def _first_success(stories):
    """The story of the first seed that got all four points; of the first seed if none did."""
    return min(stories.values(), key=lambda story: story["metrics"]["success_rate"] != 1.0)


def _answers(figure, axes, model):
    """Shade the plane by the model's answer and mark the four points of XOR."""
    from tinytorch.core.tensor import Tensor

    x, y = np.meshgrid(SPAN, SPAN)
    answer = model(Tensor(np.stack([x, y], axis=-1).reshape(-1, 2))).data.reshape(x.shape)
    shade = shade_answers(axes, x, y, answer)
    label = "answer (0 = same, 1 = different)"
    figure.colorbar(shade, ax=axes, label=label, shrink=0.8, location="left", pad=0.02)
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

    steps = np.linspace(0, 1, 41, dtype=np.float32)
    for fixed in np.linspace(0, 1, 11, dtype=np.float32):
        line = np.stack([steps, np.full_like(steps, fixed)], axis=-1)
        axes.plot(*place(line).T, color=GREY, lw=0.6, alpha=0.7)
        axes.plot(*place(line[:, ::-1]).T, color=GREY, lw=0.6, alpha=0.7)
    places = place(CORNERS)
    _points(axes, places)
    for (x, y), spot in zip(CORNERS.astype(int), places, strict=True):
        how = {"textcoords": "offset points", "ha": "right", "va": "center"}
        axes.annotate(f"{x}, {y}", spot, (-9, 0), **how)
    axes.axvline(0, color="black", lw=1.4)
    axes.set(xlabel="distance to the dividing plane", ylabel="along the plane", box_aspect=1)
    axes.margins(0.2)


def _mark_ln2(axes):
    axes.axhline(LN2, color="black", ls="--", lw=1)
    axes.text(0.98, LN2, "ln 2", ha="right", va="bottom", transform=axes.get_yaxis_transform())
