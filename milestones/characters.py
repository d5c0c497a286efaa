"""Pictures made of characters, for a terminal: a plane with its answers, and digits being read.

ASCII alone, so that every console can show them.
"""

import numpy as np

ROWS, COLUMNS = 11, 36  # of a plane: about square, since a character is twice as high as wide
UNSURE = 0.05  # an answer this close to 0.5 is none
MARKS = "o#"  # for points of class 0 and 1
INK = " .:+*#@"  # from white to black
WIDEST_DIGIT, LINE = 14, 78  # characters


def plane(answer, points, labels, span=(-0.1, 1.1)):
    """Lines that show what is answered everywhere, and the points themselves.

    Args:
        answer: `answer(points)` → a number between 0 and 1 for each of the points (n, 2).
        points: the points to mark, (n, 2).
        labels: their classes, 0 or 1, n of them.
        span: from where to where both axes go.
    """
    low, high = span
    across, up = np.meshgrid(np.linspace(low, high, COLUMNS), np.linspace(high, low, ROWS))
    places = np.stack([across, up], axis=-1).reshape(-1, 2).astype(np.float32)
    answers = np.asarray(answer(places)).reshape(ROWS, COLUMNS)
    cells = np.where(answers > 0.5, ".", " ")
    cells[np.abs(answers - 0.5) < UNSURE] = "?"
    for (x, y), label in zip(points, np.ravel(labels), strict=True):
        column = round((x - low) / (high - low) * (COLUMNS - 1))
        row = round((high - y) / (high - low) * (ROWS - 1))
        if 0 <= row < ROWS and 0 <= column < COLUMNS:
            cells[row, column] = MARKS[int(label)]
    edge = "+" + "-" * COLUMNS + "+"
    return [edge, *("|" + "".join(row) + "|" for row in cells), edge]


def key(nothing, something):
    """The line that explains a plane whose classes have these names."""
    return (
        f'{MARKS[0]} {nothing}   {MARKS[1]} {something}   answers: blank "{nothing}", '
        f'dots "{something}", ? unsure'
    )


def beside(*pictures):
    """Pictures of the same height in one row; each is its lines, a heading first."""
    widths = [max(map(len, picture)) for picture in pictures]
    rows = zip(*pictures, strict=True)
    return [
        "  ".join(f"{line:<{width}}" for line, width in zip(row, widths, strict=True)).rstrip()
        for row in rows
    ]


def how_many_digits(images):
    """How many of these images fit beside one another."""
    return min(len(images), (LINE + 2) // (_shrunk(images[0]).shape[1] + 2))


def digits(images, labels, answers):
    """The images side by side, with what the network reads in each and whether that is right."""
    return beside(*map(_digit, images, labels, answers))


def _digit(image, label, answer):
    image = _shrunk(image)
    levels = np.clip(image * len(INK), 0, len(INK) - 1).astype(int)
    rows = ["".join(INK[level] for level in row) for row in levels]
    verdict = "right" if answer == label else f"no: {label}"
    return [*rows, f"reads {answer}", verdict]


def _shrunk(image):
    """The image, with so many pixels averaged into one that it is at most WIDEST_DIGIT wide."""
    factor = -(-image.shape[1] // WIDEST_DIGIT)
    side = image.shape[0] // factor
    return image.reshape(side, factor, side, factor).mean(axis=(1, 3))
