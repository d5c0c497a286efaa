"""Messages: a code and data, said in any wording."""

from __future__ import annotations

import pytest

from tito.messages import Message, Wording

WORDS = Wording({"shape": "shape {got}, not {expected}{more}", "more": " ({count} in all)"})


def test_a_message_is_said_with_its_data_and_its_parts():
    message = Message("shape", got=(2,), expected=(3,), more=Message("more", count=4))
    assert WORDS.say(message) == "shape (2,), not (3,) (4 in all)"


def test_another_wording_replaces_sentences_and_keeps_the_others():
    german = WORDS.replaced_by({"shape": "Form {got} statt {expected}{more}"})
    message = Message("shape", got=1, expected=2, more=Message("more", count=4))
    assert german.say(message) == "Form 1 statt 2 (4 in all)"


def test_a_text_is_said_as_it_is():
    assert WORDS.say("{as} it is") == "{as} it is"


def test_a_message_is_plain_data_for_programs():
    message = Message("shape", got=1, expected=2, more=Message("more", count=4))
    parts = {"code": "more", "count": 4}
    assert message.to_dict() == {"code": "shape", "got": 1, "expected": 2, "more": parts}


def test_messages_are_equal_by_code_and_data():
    assert Message("a", x=1) == Message("a", x=1) != Message("a", x=2)
    assert len({Message("a", x=1), Message("a", x=1)}) == 1


def test_an_unknown_code_is_a_fault_of_ours():
    with pytest.raises(KeyError, match="nothing"):
        WORDS.say(Message("nothing"))


@pytest.mark.parametrize(
    ("kind", "said"),
    [
        ("int8", "An int8, not an int8"),
        ("list", "A list, not a list"),
        ("uint8", "A uint8, not a uint8"),
    ],
)
def test_data_may_be_said_with_their_article(kind, said):
    words = Wording({"beside": "{kind!A}, not {kind!a}"})
    assert words.say(Message("beside", kind=kind)) == said
