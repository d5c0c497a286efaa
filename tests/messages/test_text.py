"""Text of others, made fit to be shown."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tito.messages.text import clean_text


@pytest.mark.parametrize(
    ("text", "clean"),
    [
        ("plain\ttext\n", "plain\ttext\n"),
        ("\x1b[2J\x1b[1;1H12 of 12 passed", "12 of 12 passed"),
        ("\x1b]0;title\x07after", "after"),
        ("\x1b]8;;http://x\x1b\\link\x1b]8;;\x1b\\", "link"),
        ("\x1bPq#0;2;0\x1b\\sixel", "sixel"),
        ("\x9b31mred\x9b0m", "red"),
        ("\x1b(Bcharset\x1bc", "charset"),
        ("a\x00b\x07c\x08d\x7fe\x85f", "abcdef"),
        ("one\r\ntwo\rthree", "one\ntwo\nthree"),
        ("\ud800 \udfff", "\ufffd \ufffd"),
        ("größe → 数 🙂", "größe → 数 🙂"),
        ("\x1b", ""),
    ],
)
def test_what_a_terminal_would_obey_is_gone(text, clean):
    assert clean_text(text) == clean


@given(st.text())
def test_nothing_dangerous_is_left(text):
    clean = clean_text(text)
    clean.encode("utf-8")
    assert all(c in "\n\t" or not (ord(c) < 32 or 127 <= ord(c) < 160) for c in clean)
    assert clean_text(clean) == clean


def test_unfinished_sequences_swallow_what_they_began():
    assert clean_text("\x1b]" * 200_000 + "never ended") == ""
    assert clean_text("\x1b[" * 200_000) == ""
