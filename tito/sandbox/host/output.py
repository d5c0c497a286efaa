"""What a guest prints: the end of it is kept."""

from __future__ import annotations

from tito.messages.text import clean_text
from tito.sandbox.host.loss import without_traces

KEPT = 16 << 10  # bytes
SHOWN = 4 << 10  # bytes of one answer


class Output:
    """The last bytes that a guest printed, and how many there were in all."""

    def __init__(self) -> None:
        self.tail = b""
        self.mark = 0

    def add(self, part: bytes) -> None:
        """Take more of it in."""
        self.tail = (self.tail + part)[-KEPT:]
        self.mark += len(part)

    def since(self, mark: int) -> str:
        """What was printed since ``mark`` stood where ``mark`` says; only the end if it is long."""
        count = min(self.mark - mark, len(self.tail))
        printed = without_traces(self.tail[len(self.tail) - count :])
        return clean_text(printed[-SHOWN:].decode("utf-8", "replace"))

    def last_line(self) -> str:
        """The last line that was printed."""
        lines = clean_text(self.tail.decode("utf-8", "replace")).strip().splitlines()
        return lines[-1] if lines else "it said nothing"
