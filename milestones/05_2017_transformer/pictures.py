"""The plots of milestone 05, and what one watches in the terminal."""

import textwrap

import numpy as np

from milestones.characters import INK, beside
from milestones.plotting import BLUE, GREY, ORANGE, curves, log_scale

ALPHABET = np.array(list("ABCDEFGHIJKLMNOPQRSTUVWXYZ"))


def attention_maps(layers, model, tokens):
    """The weights (B, heads, T, T) of each of these layers while `model` reads `tokens`."""
    for layer in layers:
        layer.keep_weights = True
    model(tokens)
    for layer in layers:
        layer.keep_weights = False
    return [layer.last_weights for layer in layers]


def looking(weights, letters, answers):
    """A map of attention for a terminal: a row for each place that looks, dark where it looks."""
    levels = np.clip(weights * len(INK), 0, len(INK) - 1).astype(int)
    given, read = ALPHABET[letters.astype(int)], ALPHABET[answers]
    rows = [" ".join(INK[level] * 2 for level in row) for row in levels]
    heading = "   " + "  ".join(given)
    lines = [f"{letter}  {row}" for letter, row in zip(read, rows, strict=True)]
    text = ["given", "".join(given), "", "read", "".join(read), "", "wanted", "".join(given[::-1])]
    padded = [*text, *[""] * (len(lines) + 1 - len(text))]
    return beside([heading, *lines], padded)


def draw_attention(figure, stories):
    """Where each place looks before and after learning, and the losses."""
    first = next(iter(stories.values()))
    figure.set_size_inches(12.5, 4.8)
    before, after, learning = figure.subplots(1, 3, width_ratios=(1, 1, 1.1))
    letters = ALPHABET[first["letters"].astype(int)]
    for axes, weights, title in (
        (before, first["maps"][0], "Where it looks: before"),
        (after, first["maps"][-1], "after learning"),
    ):
        shown = axes.imshow(weights, cmap="Greys", vmin=0, vmax=1)
        places = np.arange(len(letters))
        axes.set(xticks=places, yticks=places, xlabel="place looked at (1 is the first)")
        axes.set(xticklabels=places + 1, yticklabels=places + 1, title=title)
        axes.spines[:].set_visible(True)
    before.set_ylabel("place to be filled")
    figure.colorbar(shown, ax=after, shrink=0.75, label="attention weight")
    curves(learning, stories, "losses", start=1)
    log_scale(learning.yaxis)
    learning.set(xlabel="epoch", ylabel="loss", title=f"Losses of {len(stories)} random starts")
    learning.axhline(np.log(26), color="black", ls="--", lw=1, label="ln 26: a guess")
    learning.legend(loc="upper right")


def replies(prompts, answers):
    """What was said and what came back, two columns, for a terminal."""
    width = max(map(len, prompts))
    return [f"{said:<{width}}  >  {answer}" for said, answer in zip(prompts, answers, strict=True)]


def draw_answers(figure, stories):
    """How training went, accuracy by level, and what comes back to other words."""
    first = next(iter(stories.values()))
    figure.set_size_inches(13, 5)
    training, levels, talk = figure.subplots(1, 3, width_ratios=(1, 1.2, 0.9))
    curves(training, stories, "losses", start=1)
    log_scale(training.yaxis)
    training.set(xlabel="epoch", ylabel="loss", title="Training")
    training.legend(loc="upper right")
    places = np.arange(len(first["levels"]))
    shares = 100 * np.mean([list(story["levels"].values()) for story in stories.values()], axis=0)
    levels.bar(places - 0.2, shares[:, 0], 0.4, color=BLUE, label="as trained")
    levels.bar(places + 0.2, shares[:, 1], 0.4, color=ORANGE, hatch="//", label="in other words")
    levels.set_xticks(places, [name.replace(" ", "\n") for name in first["levels"]], fontsize=8)
    levels.set(ylabel="answers right word for word (%)", ylim=(0, 115), title="By level")
    levels.legend(loc="upper right", ncols=2)
    talk.axis("off")
    talk.set_title("Asked in other words")
    for number, ((question, wanted), answer) in enumerate(first["rephrased"][::4]):
        mark = "as trained" if answer == wanted else "not as trained"
        text = f"{question}\n   {answer}   [{mark}]"
        talk.text(0, 1 - number / 9.2, text, va="top", fontsize=8, transform=talk.transAxes)


def draw_dialogue(figure, stories):
    """How training went, coherence beside its baselines, and where an answer comes from."""
    first = next(iter(stories.values()))
    figure.set_size_inches(13, 5)
    training, bars, looked = figure.subplots(1, 3, width_ratios=(1, 1, 1.5))
    curves(training, stories, "losses", start=1)
    log_scale(training.yaxis)
    training.set(xlabel="epoch", ylabel="loss", title="Training")
    training.legend(loc="upper right")
    names = {
        "topic_coherence": "the model",
        "topic_coherence_forgetful": "hears only\nthe last turn",
    }
    names["topic_coherence_shuffled"] = "answers\nshuffled"
    rates = [[100 * story["metrics"][name] for name in names] for story in stories.values()]
    bars.bar(list(names.values()), np.mean(rates, axis=0), color=[BLUE, ORANGE, GREY])
    for values in rates:
        bars.plot(list(names.values()), values, "k.", ms=4)
    bars.set(ylabel="answers on topic (%)", ylim=(0, 105), title="Held-out conversations")
    _looking_back(looked, first["model"], *first["talks"][1])


PRONOUNS = {"they", "them", "their", "it", "its", "there"}


def _looking_back(axes, model, subject, turns):
    """Where the pronoun looks in layer 1, and where the end of the question looks in layer 2."""
    from talking import row

    (opening, follow_up) = turns[:2]
    ids = row(model.language, [opening])[0] + model.language.said(follow_up[0])
    words = [model.language.read([token]) or "|" for token in ids]
    pronoun = max((n for n, word in enumerate(words) if word in PRONOUNS), default=len(ids) - 1)
    layers = [block.attention for block in model.model.blocks]
    first, *_, last = attention_maps(layers, model.logits, np.array([ids]))
    shown = np.concatenate([first[0, :, pronoun], last[0, :, -1]])
    axes.imshow(shown, aspect="auto", cmap="Greys", vmin=0, vmax=1)
    axes.set_xticks(range(len(ids)), words, rotation=90, fontsize=8)
    names = [f"{words[pronoun]}, layer 1"] * len(shown[::2]) + ["end, layer 2"] * len(shown[::2])
    axes.set_yticks(range(len(shown)), names, fontsize=8)
    axes.set_title(f"Where it looks before it answers ({subject})")


def draw_learning_to_talk(figure, stories):
    """The loss, and under it what was answered to one prompt as training went on."""
    from dashboard import changes

    history = next(iter(stories.values()))["history"]
    learning, talk = figure.subplots(1, 2, width_ratios=(1, 1.6))
    learning.plot([e["epoch"] for e in history], [e["loss"] for e in history], color=BLUE)
    log_scale(learning.yaxis)
    learning.set(xlabel="epoch", ylabel="loss", title="Training")
    prompt = list(history[0]["replies"])[1] if history else ""
    said = changes(history, prompt)
    shown = [said[n] for n in np.unique(np.linspace(0, len(said) - 1, 14).astype(int))]
    talk.axis("off")
    talk.set_title(prompt)
    for number, (epoch, reply) in enumerate(shown):
        place = {"va": "top", "fontsize": 9, "transform": talk.transAxes}
        talk.text(0, 1 - number / 14.5, f"epoch {epoch}", color=GREY, **place)
        talk.text(0.15, 1 - number / 14.5, reply, family="monospace", **place)


def draw_writing(figure, stories):
    """The loss, and what the model wrote as training went on."""
    first = next(iter(stories.values()))
    figure.set_size_inches(12.5, 5.4)
    learning, text = figure.subplots(1, 2, width_ratios=(1, 1.8))
    curves(learning, stories, "losses", start=1)
    learning.set(xlabel="epoch", ylabel="loss", title="Training")
    text.axis("off")
    text.set_title("What it wrote")
    place = {"va": "top", "fontsize": 7.5, "family": "monospace", "transform": text.transAxes}
    for number, (epoch, sample) in enumerate(shown := first["samples"][-4:]):
        lines = [line for part in sample.splitlines() for line in textwrap.wrap(part, 84) or [""]]
        top = 1 - number / len(shown)
        text.text(0, top, f"epoch {epoch}", color=GREY, **place)
        text.text(0, top - 0.04, "\n".join(lines[:8]).replace("$", r"\$"), **place)
