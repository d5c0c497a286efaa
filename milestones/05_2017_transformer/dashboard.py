"""The screen of part 4: what the model answers after each epoch, and what the machine does.

With a terminal and `rich` it is a dashboard in place; everywhere else the same figures as lines.
"""

import contextlib
import json
import os
import sys
import time

import numpy as np

from milestones.live import can_draw

BARS = "▁▂▃▄▅▆▇█"
SHOWN = 6  # of the earlier replies to each prompt


class Dashboard:
    """Collects figures and replies, epoch by epoch, and shows them while training goes on.

    Use as a context: `with Dashboard(prompts, epochs, about) as board:`. Its `history` is a list
    of one dict for each epoch: epoch, loss, tokens_per_second, batch_milliseconds,
    memory_megabytes (None where the system does not tell), replies.
    """

    def __init__(self, prompts, epochs, about):
        self.prompts, self.epochs, self.about = prompts, epochs, about
        self.history, self.batch, self.batches, self.tokens = [], 0, 0, 0
        self.seconds, self.begun, self.live = [], time.perf_counter(), None

    def __enter__(self):
        with contextlib.suppress(ImportError):
            if can_draw(sys.stderr):
                from rich.console import Console
                from rich.live import Live

                console = Console(stderr=True)
                self.live = Live(console=console, auto_refresh=False, vertical_overflow="crop")
                self.live.__enter__()
        return self

    def __exit__(self, *error):
        if self.live:
            self.live.__exit__(*error)

    def watched(self, loader):
        """The loader's batches, timed and counted."""
        self.batch, self.batches, self.tokens, self.seconds = 0, len(loader), 0, []
        for inputs, targets in loader:
            start = time.perf_counter()
            yield inputs, targets
            self.seconds.append(time.perf_counter() - start)
            self.tokens += inputs.size
            self.batch += 1
            self._draw()

    def epoch_over(self, epoch, loss, replies):
        """Take down an epoch: its loss, and what was answered to each prompt."""
        self.history.append(
            {
                "epoch": epoch,
                "loss": loss,
                "tokens_per_second": round(self.tokens / sum(self.seconds)),
                "batch_milliseconds": round(1000 * float(np.median(self.seconds)), 2),
                "memory_megabytes": memory(),
                "replies": dict(zip(self.prompts, replies, strict=True)),
            }
        )
        self._draw()

    def _draw(self):
        if self.live:
            self.live.update(self._screen(), refresh=True)

    def _screen(self):
        """Figures on top, below them a panel for each prompt."""
        from rich.console import Group
        from rich.panel import Panel

        return Group(
            Panel("\n".join(self.lines()), title="TinyTalks", title_align="left"),
            *(Panel(self._talk(p), title=p, title_align="left") for p in self.prompts),
        )

    def _talk(self, prompt):
        """The latest different replies to a prompt, the epoch of each first."""
        from rich.table import Table
        from rich.text import Text

        table = Table.grid(padding=(0, 2))
        for epoch, reply in changes(self.history, prompt)[-SHOWN:]:
            table.add_row(Text(f"epoch {epoch:>3}", "dim"), Text(reply))
        return table

    def lines(self):
        """The figures as lines of text."""
        last = self.history[-1] if self.history else {}
        losses = [entry["loss"] for entry in self.history]
        known = last.get("memory_megabytes")
        return [
            f"{self.about}   {time.perf_counter() - self.begun:.0f} s",
            f"epoch {len(self.history)} of {self.epochs}   batch {self.batch} of {self.batches}",
            f"loss {last.get('loss', float('nan')):.3f}  {spark(losses)}",
            f"{last.get('tokens_per_second', 0):,} tokens/s   "
            f"{last.get('batch_milliseconds', 0):.0f} ms a batch   "
            f"memory {'not known here' if known is None else f'{known:.0f} MB'}",
        ]


def changes(history, prompt):
    """The replies to a prompt with their epochs, [(epoch, reply), …], repetitions left out."""
    found = []
    for entry in history:
        reply = entry["replies"][prompt]
        if not found or found[-1][1] != reply:
            found.append((entry["epoch"], reply))
    return found


def spark(values, width=40):
    """The values as a line of little bars, the latest `width` of them."""
    values = np.array(values[-width:])
    if not len(values):
        return ""
    levels = (values - values.min()) / max(np.ptp(values), 1e-9) * (len(BARS) - 1)
    return "".join(BARS[round(level)] for level in levels)


def memory():
    """The megabytes that this process holds at most until now; None where it cannot be known."""
    try:
        import resource
    except ImportError:  # Windows
        return None
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return round(peak / (2**20 if sys.platform == "darwin" else 2**10), 1)


def write_history(path, history):
    """Write the history as JSON, whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f"{path.name}.partial")
    partial.write_text(json.dumps(history, indent=1, allow_nan=False), encoding="utf-8")
    os.replace(partial, path)
