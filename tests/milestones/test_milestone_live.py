"""Progress: lines where nothing moves, a bar in a terminal, and never a crash."""

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
    with Live(stream) as live:
        for step in (1, 2, 3):
            live.update("seed 0", step, 3, f"loss 0.{step}")


def test_a_file_gets_plain_lines():
    stream = io.StringIO()
    show_three_steps(stream)
    assert stream.getvalue() == "seed 0  100 %  loss 0.3\n"


def test_long_work_says_something_in_between(monkeypatch):
    monkeypatch.setattr("milestones.live.PAUSE", 0.0)
    stream = io.StringIO()
    show_three_steps(stream)
    assert [line.split("%")[0] for line in stream.getvalue().splitlines()] == [
        "seed 0   33 ", "seed 0   66 ", "seed 0  100 ",
    ]  # fmt: skip


def test_a_terminal_gets_a_bar_and_keeps_a_line():
    stream = Terminal()
    show_three_steps(stream)
    assert "\x1b[" in stream.getvalue() and "loss 0.3" in stream.getvalue()


@pytest.mark.parametrize(("name", "value"), [("NO_COLOR", "1"), ("TERM", "dumb")])
def test_plain_lines_on_request(monkeypatch, name, value):
    monkeypatch.setenv(name, value)
    stream = Terminal()
    show_three_steps(stream)
    assert "\x1b" not in stream.getvalue()


def test_brackets_are_text_not_markup():
    stream = Terminal()
    with Live(stream) as live:
        live.update("[bold]a[/x]", 1, 1, "[red]")
    assert "[bold]a[/x]" in stream.getvalue()


def test_stream_without_isatty_is_no_terminal():
    assert not can_draw(object())


def test_signs_the_console_lacks_do_not_crash():
    raw = io.BytesIO()
    with Live(io.TextIOWrapper(raw, encoding="cp1252", write_through=True)) as live:
        live.update("epoch ≥ 1", 1, 1, "± fine")
    assert raw.getvalue().decode("cp1252").rstrip() == "epoch ? 1  100 %  ± fine"


def test_reader_that_went_away_does_not_stop_the_work():
    class Gone(io.StringIO):
        def write(self, text):
            raise BrokenPipeError

    show_three_steps(Gone())


def test_zero_steps_in_all_is_no_division_by_zero():
    stream = io.StringIO()
    with Live(stream) as live:
        live.update("nothing", 0, 0)
    assert "nothing" in stream.getvalue()
