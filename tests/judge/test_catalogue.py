"""Every message that is built anywhere has its sentence, every sentence its message.

What is built with a code that is not a literal (``f"pattern.{code}"``) may mean each sentence whose
variable part stands in the same function, or else the same file, as a literal or a name.
"""

from __future__ import annotations

import ast
import re
import string
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import NamedTuple

import pytest

from tito.messages import Message, Wording, english

TITO = Path(__file__).parents[2] / "tito"


class Built(NamedTuple):
    """A place where a message is built: the codes it may have, and its data."""

    place: str
    codes: frozenset[str]
    data: frozenset[str]
    more: bool  # whether there are more data, by **


@cache
def sentences() -> dict[str, frozenset[str]]:
    """Code → the names that its sentence uses."""
    return {code: fields(text) for code, text in english().sentences.items()}


def fields(text: str) -> frozenset[str]:
    return frozenset(name for _, name, _, _ in string.Formatter().parse(text) if name)


@cache
def built() -> tuple[Built, ...]:
    files = sorted(TITO.rglob("*.py"))
    return tuple(found for path in files for found in _built_in(path))


def _built_in(path: Path) -> Iterator[Built]:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    for scope, node in _with_function(tree, tree):
        if isinstance(node, ast.Call) and ast.unparse(node.func) == "Message" and node.args:
            keywords = {keyword.arg for keyword in node.keywords}
            codes = _codes(node.args[0], scope) or _codes(node.args[0], tree)
            data = frozenset(name for name in keywords if name)
            place = f"{path.relative_to(TITO)}:{node.lineno}"
            yield Built(place, codes, data, None in keywords)


def _with_function(node: ast.AST, scope: ast.AST) -> Iterator[tuple[ast.AST, ast.AST]]:
    """Every node with the outermost function around it."""
    for child in ast.iter_child_nodes(node):
        is_function = isinstance(child, ast.FunctionDef) and isinstance(scope, ast.Module)
        yield scope, child
        yield from _with_function(child, child if is_function else scope)


def _codes(code: ast.expr, scope: ast.AST) -> frozenset[str]:
    match code:
        case ast.Constant(value=str(text)):
            return frozenset([text])
        case ast.IfExp(body=first, orelse=second):
            return _codes(first, scope) | _codes(second, scope)
        case ast.JoinedStr(values=parts):
            form = "".join(_form(part) for part in parts)
        case _:
            form = "(.+)"
    words = _words(scope)
    matches = ((known, re.fullmatch(form, known)) for known in sentences())
    return frozenset(known for known, found in matches if found and {*found.groups()} <= words)


def _form(part: ast.expr) -> str:
    return re.escape(str(part.value)) if isinstance(part, ast.Constant) else "(.+)"


def _words(scope: ast.AST) -> set[str]:
    literals = {
        node.value
        for node in ast.walk(scope)
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    }
    return literals | {node.id for node in ast.walk(scope) if isinstance(node, ast.Name)}


@pytest.mark.parametrize("found", built(), ids=lambda found: found.place)
def test_every_message_has_its_sentence_with_its_data(found):
    assert found.codes, "no sentence can be meant"
    for code in found.codes:
        assert code in sentences()
    wanted = [sentences()[code] for code in found.codes]
    if found.more:
        assert any(found.data <= names for names in wanted)
    elif len(wanted) == 1:
        assert [found.data] == wanted
    else:  # one of several sentences, or data for all of them
        assert found.data in wanted or found.data == frozenset().union(*wanted)


def changes() -> set[str]:
    """The codes of the changes that are tried on a learner's code: rules yield their last word."""
    found = set()
    for path in (TITO / "judge" / "repairs").glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            match node:
                case ast.Yield(value=ast.Tuple(elts=[ast.Constant(value=str(word)), *_])):
                    found.add(f"repair.{word}")
    return found


def test_every_change_that_is_tried_has_its_sentence():
    assert len(changes()) > 20 and changes() <= sentences().keys()


def test_every_sentence_is_used():
    used = {code for found in built() for code in found.codes} | changes()
    assert sorted(sentences().keys() - used) == []


def test_every_sentence_can_be_said_with_plain_data():
    """No format that only some values have: a translation's data come as numbers and texts."""
    for code, names in sentences().items():
        assert english().say(Message(code, **dict.fromkeys(names, "x")))


def test_a_translation_that_lacks_a_sentence_says_it_in_english():
    other = english().replaced_by({"judge.not_solved": "Noch nicht gelöst."})
    assert other.say(Message("judge.not_solved")) == "Noch nicht gelöst."
    assert other.say(Message("judge.keep_one")) == str(Message("judge.keep_one"))
    nested = Message("judge.file", reason=Message("judge.not_solved"))
    assert other.say(nested).endswith("Noch nicht gelöst.")
    assert isinstance(other, Wording)
