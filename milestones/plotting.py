"""What the milestones' plots share. Matplotlib is optional: without it a run has no plot."""

import itertools
from pathlib import Path

# Colours that stay apart for every kind of colour vision. The plots never rely on them alone:
# markers, line styles and labels say the same thing again.
BLUE, ORANGE, GREEN, GREY = "#0072B2", "#D55E00", "#009E73", "#666666"
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


def draw_and_save(draw, runs, path):
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
            figure = Figure(figsize=(10, 4.6))
            draw(figure, runs)
            figure.savefig(path, dpi=130)
    except (OSError, ValueError) as error:  # not writable, or an ending matplotlib cannot write
        return None, f"{path} cannot be written ({error})"
    return path, ""


def legend_below(axes, **how):
    """Put the legend under the axes, where it covers nothing."""
    axes.legend(loc="upper center", bbox_to_anchor=(0.5, -0.14), **how)


def shade_answers(axes, x, y, answer):
    """Colour the plane by an answer between 0 and 1; return what a colour bar needs."""
    how = {"vmin": 0, "vmax": 1, "alpha": 0.55, "rasterized": True}
    return axes.pcolormesh(x, y, answer, cmap=TWO_CLASSES, **how)


def curves(axes, stories, name, factor=1.0, start=0):
    """One line per run of the values `story[name]`, told apart by line style as well as colour."""
    for number, (seed, story) in enumerate(stories.items()):
        values = [factor * value for value in story[name]]
        epochs = range(start, start + len(values))
        colour, style = (BLUE, ORANGE, GREY)[number % 3], LINE_STYLES[number % len(LINE_STYLES)]
        axes.plot(epochs, values, color=colour, ls=style, lw=1.5, label=f"seed {seed}")


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
