"""What the milestones' plots share. Matplotlib is optional: without it a run has no plot."""

import itertools
from pathlib import Path

# Colours that stay apart for every kind of colour vision. The plots never rely on them alone:
# markers, line styles and labels say the same thing again.
BLUE, ORANGE, GREEN, PINK, GREY = "#0072B2", "#D55E00", "#009E73", "#CC79A7", "#666666"
COLOURS = (BLUE, ORANGE, GREEN, PINK, GREY)
TWO_CLASSES = "PuOr"  # a map from orange (class 0) over white to purple (class 1) ...
CLASS_COLOURS = ("#B35806", "#542788")  # ... and its two ends, for single points
LINE_STYLES = ("-", "--", "-.", ":", (0, (5, 1, 1, 1, 1, 1)))

STYLE = {
    "font.size": 10,
    "axes.titlesize": 11,
    "axes.titleweight": "bold",
    "axes.titlelocation": "left",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "legend.frameon": False,
    "legend.fontsize": 9,
    "figure.constrained_layout.use": True,
}


def draw_and_save(draw, runs, path, title):
    """Draw a figure of all runs and save it at `path`; return (path, "") or (None, reason)."""
    try:
        import matplotlib
        from matplotlib.figure import Figure
    except ImportError:
        return None, "matplotlib is not installed (pip install matplotlib)"
    path = Path(path)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with matplotlib.rc_context(STYLE):
            figure = Figure(figsize=(10, 5))
            figure.suptitle(f"{title}, made with {whose_framework()}", x=0.01, ha="left")
            draw(figure, runs)
            figure.savefig(path, dpi=130)
    except (OSError, ValueError) as error:  # not writable, or an ending matplotlib cannot write
        return None, f"{path} cannot be written ({error})"
    return path, ""


def whose_framework():
    """ "your own tinytorch" or "the reference tinytorch": the package itself says which it is."""
    import tinytorch

    is_reference = "the reference" in (tinytorch.__doc__ or "")
    return f"{'the reference' if is_reference else 'your own'} tinytorch"


def legend_below(axes, **how):
    """Put the legend under the axes, where it covers nothing."""
    axes.legend(loc="upper center", bbox_to_anchor=(0.5, -0.14), **how)


def shade_answers(axes, x, y, answer):
    """Colour the plane by an answer between 0 (orange) and 1 (purple); white is unsure."""
    axes.pcolormesh(x, y, answer, cmap=TWO_CLASSES, vmin=0, vmax=1, alpha=0.55, rasterized=True)


def name_answers(axes, *places):
    """Write into the plane what its colours mean: (x, y, text) in fractions of the axes."""
    box = {"boxstyle": "round,pad=0.2", "fc": "white", "ec": "none", "alpha": 0.8}
    for x, y, text in places:
        side = {"ha": "left" if x < 0.5 else "right", "va": "bottom" if y < 0.5 else "top"}
        axes.text(x, y, text, transform=axes.transAxes, fontsize=9, bbox=box, zorder=4, **side)


def curves(axes, stories, name, factor=1.0, start=0):
    """One line per run of the values `story[name]`.

    Up to five runs are told apart by colour and line style; of more, only the first is, and the
    others are what they are there for: a bundle.
    """
    for number, (seed, story) in enumerate(stories.items()):
        values = [factor * value for value in story[name]]
        epochs = range(start, start + len(values))
        axes.plot(epochs, values, lw=1.5, **_line(number, seed, len(stories)))


def _line(number, seed, count):
    if count <= len(LINE_STYLES):
        return {"color": COLOURS[number], "ls": LINE_STYLES[number], "label": f"seed {seed}"}
    if number == 0:
        return {"color": BLUE, "label": f"seed {seed}", "zorder": 3}
    label = f"{count - 1} other seeds" if number == 1 else None
    return {"color": GREY, "alpha": 0.5, "label": label}


def log_scale(axis):
    """Make a y axis logarithmic, with plain numbers (0.1, 0.2, 0.5, 1) for labels."""
    from matplotlib.ticker import LogLocator

    axis.axes.set_yscale("log")
    axis.set_minor_locator(LogLocator(subs=(2, 5)))
    axis.set_major_formatter("{x:g}")
    axis.set_minor_formatter("{x:g}")


def tiles(figure, images, grid, titles=(), **how):
    """Fill `figure` with small images in a grid (rows, columns); return the last one, if any."""
    shown = None
    cells = figure.subplots(*grid, squeeze=False).flat
    for axes, image, title in itertools.zip_longest(cells, images, titles):
        if image is None:
            axes.axis("off")
            continue
        shown = axes.imshow(image, **how)
        axes.set_title(title or "", fontsize=8, fontweight="normal", loc="center", pad=2)
        axes.set(xticks=[], yticks=[])
        axes.spines[:].set(visible=True, linewidth=0.4, color=GREY)
    return shown
