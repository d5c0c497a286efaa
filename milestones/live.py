"""Live progress on stderr: a bar where a terminal can show one, plain lines everywhere else."""

import contextlib
import os
import sys
import time

PAUSE = 2.0  # seconds between two plain lines about the same work


def can_draw(stream):
    """True when `stream` is a terminal that moves its cursor and nobody asked for plain text."""
    plain = "NO_COLOR" in os.environ or os.environ.get("TERM") == "dumb"
    return not plain and hasattr(stream, "isatty") and stream.isatty()


class Live:
    """Shows how far a piece of work has come, on stderr: stdout belongs to results.

    `with Live() as live: live.update("seed 0", 3, 10, "loss 0.25")`
    """

    def __init__(self, stream=None):
        self.stream = stream or sys.stderr
        self.label, self.said_at = None, time.monotonic()
        self.bar = _rich_bar(self.stream) if can_draw(self.stream) else None

    def __enter__(self):
        if self.bar:
            self.bar.start()
        return self

    def __exit__(self, *error):
        if self.bar:
            self._finish_bar()
            self.bar.stop()

    def update(self, label, done, total, text=""):
        """Say that `done` of `total` steps of the work named `label` are over."""
        if self.bar:
            self._draw(label, done, total, text)
        else:
            self._print(label, done, total, text)
        self.label = label

    def _print(self, label, done, total, text):
        now = time.monotonic()
        if done >= total or now - self.said_at >= PAUSE:
            self._line(f"{label}  {100 * done // max(total, 1):3d} %  {text}")
            self.said_at = now

    def _line(self, line):
        with contextlib.suppress(OSError):  # nobody reads any more: progress is not worth a crash
            encoding = getattr(self.stream, "encoding", None) or "utf-8"
            line = line.encode(encoding, errors="replace").decode(encoding)
            print(line, file=self.stream, flush=True)

    def _draw(self, label, done, total, text):
        if label != self.label:
            self._finish_bar()
            self.bar.add_task(label, total=total, text=text)
        self.bar.update(self.bar.task_ids[-1], completed=done, total=total, text=text)

    def _finish_bar(self):
        """Leave one line of what is over, and clear its bar."""
        for task in self.bar.tasks:
            line = f"{task.description}  {task.fields['text']}"
            self.bar.print(line, style="dim", markup=False, highlight=False)
            self.bar.remove_task(task.id)


def _rich_bar(stream):
    """Rich's progress display, or None where rich is not installed."""
    try:
        from rich.console import Console
        from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn
    except ImportError:
        return None
    columns = (
        TextColumn("{task.description}", markup=False),
        BarColumn(bar_width=20),
        TimeElapsedColumn(),
        TextColumn("{task.fields[text]}", markup=False),
    )
    return Progress(*columns, console=Console(file=stream), transient=True)
