"""What one can watch on stderr while a network learns: a picture of characters and its figures.

A terminal redraws both in place, slowly enough to follow; everywhere else there are a few
snapshots and plain lines.
"""

import contextlib
import os
import sys
import time

PAUSE = 2.0  # seconds before the second plain line about the same work; then more and more
FRAME = 0.12  # seconds that a picture stays in a terminal, at least
GROWTH = 1.2  # from one picture, or pause, to the next: most is learned in the first steps


def can_draw(stream):
    """True when `stream` is a terminal that moves its cursor and nobody asked for plain text."""
    plain = "NO_COLOR" in os.environ or os.environ.get("TERM") == "dumb"
    old_console = sys.platform == "win32" and "WT_SESSION" not in os.environ
    return not plain and not old_console and hasattr(stream, "isatty") and stream.isatty()


class Live:
    """Shows how far a piece of work has come, on stderr: stdout belongs to results.

    `live = Live(); live.update("seed 0", 3, 10, "loss 0.25", picture=lambda: ["..#", "..o"])`

    `waited` is how many seconds it slept for the sake of whoever watches.
    """

    def __init__(self, stream=None):
        self.stream = stream or sys.stderr
        self.moves = can_draw(self.stream)
        self.waited, self.shown_at = 0.0, time.monotonic()
        self._begin(None)

    def update(self, label, step, steps, text="", picture=None):
        """Say that `step` of `steps` of the work named `label` are over.

        `picture()` returns lines to show above; it is called only when they are due.
        """
        if label != self.label:
            self._begin(label)
        if not self._is_due(step, steps, picture):
            return
        lines = [*(picture() if picture else ()), f"{label}  {text}".rstrip()]
        if self.moves:
            self._redraw(lines, hold=picture is not None)
        else:
            self._write("\n".join(lines) + "\n")
            self.pause *= GROWTH
        self.next_picture = max(step + 1, GROWTH * step)
        self.shown_at = time.monotonic()

    def _begin(self, label):
        """Leave what is on the screen; the next frame comes below it."""
        self.label, self.height, self.next_picture = label, 0, 0
        self.pause = FRAME if self.moves else PAUSE

    def _is_due(self, step, steps, picture):
        if step >= steps:
            return True
        if picture and self.moves:
            return step >= self.next_picture
        if picture and step in (0, steps // 10):
            return True
        return time.monotonic() - self.shown_at >= self.pause

    def _redraw(self, lines, hold):
        columns, rows = _size(self.stream)
        lines = [line[: columns - 1] for line in lines][-(rows - 1) :]
        if hold and self.height:
            wait = max(0.0, self.shown_at + FRAME - time.monotonic())
            time.sleep(wait)
            self.waited += wait
        up = f"\x1b[{self.height}A\x1b[J" if self.height else ""
        self._write(up + "\n".join(lines) + "\n")
        self.height = len(lines)

    def _write(self, text):
        with contextlib.suppress(OSError):  # nobody reads any more: progress is not worth a crash
            encoding = getattr(self.stream, "encoding", None) or "utf-8"
            self.stream.write(text.encode(encoding, errors="replace").decode(encoding))
            self.stream.flush()


def _size(stream):
    """Columns and rows of the terminal; 80 and 24 where they cannot be known."""
    try:
        return os.get_terminal_size(stream.fileno())
    except (OSError, ValueError, AttributeError):
        return 80, 24
