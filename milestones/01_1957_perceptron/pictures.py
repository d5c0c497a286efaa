"""The plots of milestone 01."""

import numpy as np

from milestones.plotting import BLUE, CLASS_COLOURS, GREY, curves, legend_below, shade_answers

SPAN = np.linspace(-0.1, 1.1, 200)  # the part of the plane that is shown


def random_lines(figure, stories):
    """Left: the cards and some random perceptrons' lines. Right: how often each is right."""
    first = next(iter(stories.values()))
    cards, counts = figure.subplots(1, 2, width_ratios=(1, 1.3))
    _draw_cards(cards, first["ink"][:200], first["right"][:200])
    for number, weights in enumerate(first["weights"][:12]):
        label = "12 random perceptrons" if number == 0 else None
        _draw_line(cards, (*weights, 0.0), color=GREY, lw=0.9, zorder=0, label=label)
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
    """Left: what one trained perceptron answers everywhere. Right: how all of them got there."""
    first = next(iter(stories.values()))
    cards, learning = figure.subplots(1, 2, width_ratios=(1.2, 1.3))
    x, y = np.meshgrid(SPAN, SPAN)
    w1, w2, b = first["after"]
    answer = 1 / (1 + np.exp(-(w1 * x + w2 * y + b)))
    shade = shade_answers(cards, x, y, answer)
    figure.colorbar(shade, ax=cards, label="answer (0 = left, 1 = right)", shrink=0.85)
    _draw_cards(cards, first["ink"], first["right"])
    _draw_line(cards, first["before"], color="black", lw=1.6, ls=":", label="line before")
    _draw_line(cards, first["after"], color="black", lw=1.6, label="line after")
    cards.set_title("Where it draws the line")
    legend_below(cards, ncols=2, columnspacing=1)

    learning.axhline(50, color="black", lw=0.8)
    across = learning.get_yaxis_transform()
    learning.text(0.99, 51, "a coin", ha="right", va="bottom", transform=across)
    curves(learning, stories, "accuracies", factor=100)
    learning.set_title("Wherever it starts, it learns")
    learning.set(xlabel="epoch (one step on 200 cards)", ylabel="new cards sorted correctly (%)")
    learning.set(ylim=(-3, 103))
    learning.legend(loc="lower right")


def _draw_cards(axes, ink, right):
    for side, marker, name in ((0, "o", "marked left"), (1, "s", "marked right")):
        points = ink[right[:, 0] == side].T
        colour = CLASS_COLOURS[side]
        axes.scatter(*points, s=22, marker=marker, color=colour, ec="white", lw=0.4, label=name)
    axes.set(xlim=SPAN[[0, -1]], ylim=SPAN[[0, -1]], box_aspect=1)
    axes.set(xlabel="ink on the left half", ylabel="ink on the right half")


def _draw_line(axes, line, **how):
    """The line w1 * x + w2 * y + b = 0: on one side of it the perceptron answers "right"."""
    w1, w2, b = line
    axes.plot(SPAN, -(w1 * SPAN + b) / w2, **how)
