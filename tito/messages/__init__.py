"""What went wrong as a code and data; the words come from a catalogue.

``Message("shape", got=(2,), expected=(3,))`` holds no words of its own. A ``Wording`` turns it into
a sentence: English stands in ``english.toml`` beside this file, and a curriculum may bring another
(a translation, or other terms) that replaces any of the sentences.
"""

from __future__ import annotations

import string
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

CATALOGUE = Path(__file__).with_name("english.toml")


class Message:
    """One thing to be said: a ``code`` of the catalogue and the ``data`` its sentence names.

    Data are plain values, or messages that become a part of the sentence.
    """

    __slots__ = ("code", "data")

    def __init__(self, code: str, /, **data: Any) -> None:
        self.code = code
        self.data = data

    def __str__(self) -> str:
        return english().say(self)

    def __repr__(self) -> str:
        return f"Message({self.code!r}, {self.data!r})"

    def __eq__(self, other: object) -> bool:
        same = isinstance(other, Message)
        return same and (self.code, self.data) == (other.code, other.data)  # type: ignore[attr-defined]

    def __hash__(self) -> int:
        return hash(self.code)

    def to_dict(self) -> dict[str, Any]:
        """The code and the data, for programs and other front ends."""
        return {"code": self.code, **{name: _plain(value) for name, value in self.data.items()}}


def _plain(value: Any) -> Any:
    return value.to_dict() if isinstance(value, Message) else value


class _Sentence(string.Formatter):
    """``{kind!a}`` is the data with its English article: "an int8"; ``{kind!A}`` begins so."""

    def convert_field(self, value: Any, conversion: Any) -> Any:
        if conversion not in ("a", "A"):
            return super().convert_field(value, conversion)
        article = "an" if str(value)[:1].lower() in "aeio" else "a"  # a uint8
        return f"{article.title() if conversion == 'A' else article} {value}"


class Wording:
    """A catalogue: code -> sentence with ``{names}`` of data in it."""

    def __init__(self, sentences: Mapping[str, str]) -> None:
        self.sentences = dict(sentences)

    def say(self, message: Message | str) -> str:
        """The message in words; a text that is one already comes back as it is."""
        if isinstance(message, str):
            return message
        data = {name: self._said(value) for name, value in message.data.items()}
        return _Sentence().format(self.sentences[message.code], **data)

    def _said(self, value: Any) -> Any:
        return self.say(value) if isinstance(value, Message) else value

    def replaced_by(self, sentences: Mapping[str, str]) -> Wording:
        """This wording with other sentences for some codes."""
        return Wording({**self.sentences, **sentences})


@cache
def english() -> Wording:
    """The wording that `tito` comes with."""
    import tomllib  # most runs say nothing, and every notebook imports this file

    return Wording(tomllib.loads(CATALOGUE.read_text(encoding="utf-8")))
