"""The plots of milestone 01."""

import numpy as np

from milestones.plotting import (
    BLUE,
    CLASS_COLOURS,
    GREY,
    curves,
    legend_below,
    name_answers,
    shade_answers,
)

SPAN = np.linspace(-0.1, 1.1, 200)  # the part of the plane that is shown
WIDE = np.linspace(-0.35, 1.35, 200)  # the same for the four points of logic
CORNERS = np.array([[0, 0], [0, 1], [1, 0], [1, 1]], dtype=np.float32)
GATES = {
    "AND": np.array([[0], [0], [0], [1]], dtype=np.float32),
    "OR": np.array([[0], [1], [1], [1]], dtype=np.float32),
}


def random_lines(figure, stories):
    """Left: the cards and some random perceptrons' lines. Right: how often each is right."""
    first = next(iter(stories.values()))
    cards, counts = figure.subplots(1, 2, width_ratios=(1, 1.3))
    _draw_cards(cards, first["ink"][:200], first["right"][:200])
    for number, weights in enumerate(first["weights"][:12]):
        label = "12 random perceptrons" if number == 0 else None
        _draw_line(cards, SPAN, (*weights, 0.0), color=GREY, lw=0.9, zorder=0, label=label)
    cards.set_title("Lines drawn blindly")
    legend_below(cards, ncols=2, columnspacing=1)

    accuracies = 100 * np.concatenate([story["accuracies"] for story in stories.values()])
    counts.hist(accuracies, bins=np.arange(-2.5, 105, 5), color=BLUE, edgecolor="white")
    counts.axvline(accuracies.mean(), color="black", ls="--", lw=1.2)
    note = f"mean {accuracies.mean():.1f} %\n\nThe peak: perceptrons that\nanswer all cards alike"
    counts.annotate(note, (0.57, 0.95), xycoords="axes fraction", va="top")
    counts.set_title(f"{len(accuracies):,} random perceptrons: luck, good and bad")
    counts.set(xlabel="cards sorted correctly (%)", ylabel="perceptrons", xlim=(-4, 104))


def learned_line(figure, stories):
    """Left: what one perceptron answers everywhere. Middle: how all learned. Right: AND and OR."""
    first = next(iter(stories.values()))
    figure.set_size_inches(12.5, 5)
    places = figure.subplot_mosaic(
        [["cards", "learning", "AND"], ["cards", "learning", "OR"]], width_ratios=(2, 2, 1)
    )
    _cards_and_line(places["cards"], first)
    _learning(places["learning"], stories)
    for name, line in first["gates"].items():
        _gate(places[name], name, line)


def _cards_and_line(axes, story):
    shade_answers(axes, *_answer(SPAN, story["after"]))
    _draw_cards(axes, story["ink"], story["right"])
    _draw_line(axes, SPAN, story["before"], color="black", lw=1.6, ls=":", label="line before")
    _draw_line(axes, SPAN, story["after"], color="black", lw=1.6, label="line after")
    name_answers(axes, (0.03, 0.95, 'says "right"'), (0.97, 0.05, 'says "left"'))
    axes.set_title("Where it draws the line")
    legend_below(axes, ncols=2, columnspacing=1)


def _learning(axes, stories):
    axes.axhline(50, color="black", lw=0.8)
    across = axes.get_yaxis_transform()
    axes.text(0.99, 51, "a coin", ha="right", va="bottom", transform=across)
    curves(axes, stories, "accuracies", factor=100)
    axes.set_title("Wherever it starts, it learns")
    axes.set(xlabel="epoch (one step on 200 cards)", ylabel="new cards sorted correctly (%)")
    axes.set(ylim=(-3, 103))
    axes.legend(loc="lower right")


def _gate(axes, name, line):
    """The four points of a question of logic, and the line that was learned for it."""
    shade_answers(axes, *_answer(WIDE, line))
    truth = GATES[name][:, 0]
    for kind, marker in ((0, "o"), (1, "s")):
        points = CORNERS[truth == kind].T
        axes.scatter(*points, s=70, marker=marker, color=CLASS_COLOURS[kind], ec="white", zorder=3)
    _draw_line(axes, WIDE, line, color="black", lw=1.6)
    axes.set_title(name)
    axes.set_xlabel("square: yes")
    axes.set(xlim=WIDE[[0, -1]], ylim=WIDE[[0, -1]], box_aspect=1, xticks=[0, 1], yticks=[0, 1])


def _answer(span, line):
    """The grid of a plane, and what the perceptron with this line answers there."""
    x, y = np.meshgrid(span, span)
    w1, w2, b = line
    return x, y, 1 / (1 + np.exp(-(w1 * x + w2 * y + b)))


def _draw_cards(axes, ink, right):
    for side, marker, name in ((0, "o", "marked left"), (1, "s", "marked right")):
        points = ink[right[:, 0] == side].T
        colour = CLASS_COLOURS[side]
        axes.scatter(*points, s=22, marker=marker, color=colour, ec="white", lw=0.4, label=name)
    axes.set(xlim=SPAN[[0, -1]], ylim=SPAN[[0, -1]], box_aspect=1)
    axes.set(xlabel="ink on the left half", ylabel="ink on the right half")


def _draw_line(axes, span, line, **how):
    """The line w1 * x + w2 * y + b = 0: on one side of it the perceptron answers "right"."""
    w1, w2, b = line
    axes.plot(span, -(w1 * span + b) / w2, **how)
