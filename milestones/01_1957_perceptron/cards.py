"""The task of July 1958: is a punch card marked on its left half or on its right half?"""

import numpy as np

from milestones.characters import key

MARK, BLANK, NOISE = 0.7, 0.3, 0.12  # how much ink a marked and a blank half show, and how unevenly
SHOWN = 60  # cards in a picture of characters
KEY = key("left", "right")


def punch_cards(count):
    """Return `count` cards: features (count, 2) and labels (count, 1), both float32.

    Two photocells look at each card: one sees the ink on the left half, one on the right.
    Label 0 means "marked on the left", 1 "marked on the right"; half of the cards are each.
    """
    right = (np.arange(count) % 2 == 1)[:, None]
    ink = np.where(right, [BLANK, MARK], [MARK, BLANK]) + NOISE * np.random.randn(count, 2)
    return ink.astype(np.float32), right.astype(np.float32)
