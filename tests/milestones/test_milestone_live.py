"""What one watches: redrawn in a terminal, a few snapshots elsewhere, and never a crash."""

from __future__ import annotations

import io

import pytest

from milestones.live import Live, can_draw


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.fixture(autouse=True)
def ordinary_terminal(monkeypatch):
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv("TERM", "xterm-256color")


def show_three_steps(stream) -> None:
    live = Live(stream)
    for step in (1, 2, 3):
        live.update("seed 0", step, 3, f"loss 0.{step}")


def learn(stream, steps: int = 100, labels: tuple[str, ...] = ("seed 0",)) -> tuple[Live, list]:
    """Update for every step, with a picture of two lines; return which steps were drawn."""
    live, drawn = Live(stream), []

    def picture(step: int) -> list[str]:
        drawn.append(step)
        return ["+--+", f"|{step:>2}|"]

    for label in labels:
        for step in range(steps + 1):
            live.update(label, step, steps, f"step {step}", lambda step=step: picture(step))
    return live, drawn


@pytest.fixture
def no_waiting(monkeypatch) -> list[float]:
    """Seconds that would have been slept."""
    slept: list[float] = []
    monkeypatch.setattr("milestones.live.time.sleep", slept.append)
    return slept


def test_a_file_gets_plain_lines():
    stream = io.StringIO()
    show_three_steps(stream)
    assert stream.getvalue() == "seed 0  loss 0.3\n"


def test_long_work_says_something_in_between(monkeypatch):
    monkeypatch.setattr("milestones.live.PAUSE", 0.0)
    stream = io.StringIO()
    show_three_steps(stream)
    assert stream.getvalue().splitlines() == [f"seed 0  loss 0.{step}" for step in (1, 2, 3)]


def test_a_file_gets_three_snapshots():
    stream = io.StringIO()
    _, drawn = learn(stream)
    assert drawn == [0, 10, 100]
    assert stream.getvalue().splitlines()[:3] == ["+--+", "| 0|", "seed 0  step 0"]


def test_a_terminal_redraws_the_picture_in_place(no_waiting):
    stream = Terminal()
    _, drawn = learn(stream)
    assert drawn[:5] == [0, 1, 2, 3, 4] and drawn[-1] == 100 and len(drawn) < 30
    assert stream.getvalue().count("\x1b[3A\x1b[J") == len(drawn) - 1  # three lines up each time


def test_waiting_for_the_eye_is_counted(no_waiting):
    live, drawn = learn(Terminal())
    assert len(no_waiting) == len(drawn) - 1
    assert live.waited == pytest.approx(sum(no_waiting)) and live.waited > 0


def test_the_next_piece_of_work_begins_below(no_waiting):
    stream = Terminal()
    _, drawn = learn(stream, labels=("seed 0", "seed 1"))
    assert stream.getvalue().count("\x1b[J") == len(drawn) - 2
    assert "seed 0  step 100\n+--+\n| 0|\nseed 1  step 0" in stream.getvalue()


def test_frames_fit_a_small_terminal(monkeypatch, no_waiting):
    monkeypatch.setattr("milestones.live._size", lambda stream: (6, 3))
    stream = Terminal()
    learn(stream, steps=1)
    assert stream.getvalue() == "| 0|\nseed \n\x1b[2A\x1b[J| 1|\nseed \n"


@pytest.mark.parametrize(("name", "value"), [("NO_COLOR", "1"), ("TERM", "dumb")])
def test_plain_lines_on_request(monkeypatch, name, value):
    monkeypatch.setenv(name, value)
    stream = Terminal()
    show_three_steps(stream)
    assert "\x1b" not in stream.getvalue()


def test_stream_without_isatty_is_no_terminal():
    assert not can_draw(object())


def test_signs_the_console_lacks_do_not_crash():
    raw = io.BytesIO()
    live = Live(io.TextIOWrapper(raw, encoding="cp1252", write_through=True))
    live.update("epoch ≥ 1", 1, 1, "± fine")
    assert raw.getvalue().decode("cp1252").rstrip() == "epoch ? 1  ± fine"


def test_reader_that_went_away_does_not_stop_the_work():
    class Gone(io.StringIO):
        def write(self, text):
            raise BrokenPipeError

    show_three_steps(Gone())


def test_zero_steps_in_all():
    stream = io.StringIO()
    Live(stream).update("nothing", 0, 0)
    assert stream.getvalue() == "nothing\n"
