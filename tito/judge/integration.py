"""A completed module as a part of the package: it is imported and put to use as a whole."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence
from dataclasses import replace

from tito.curriculum.exercises import TEST_PREFIX
from tito.curriculum.modules import PACKAGE_NAME
from tito.judge import verdict
from tito.judge.answer_key import AnswerKey
from tito.judge.names import Names
from tito.judge.program import SCRATCH, program_of
from tito.judge.report import Failure
from tito.judge.session import Session, Step, host_seconds
from tito.judge.testcell import TestRun
from tito.literate.cells import Cell
from tito.literate.syntax import parsed
from tito.messages import Message
from tito.sandbox.conversation import GuestLost, host_deadline

PLACE = "<test module>"
OURS = Cell("code", "", index=-1_000_000)  # no cell of the learner's
SHOW = """
import importlib
for _name in {imports!r}:
    importlib.import_module(_name)
for _name in {homes!r}:
    _found = vars(importlib.import_module(_name))
    globals().update({{n: v for n, v in _found.items() if not n.startswith("__")}})
"""


def integrate(
    session: Session, key: AnswerKey, cells: Sequence[Cell], *, exercises: bool = False
) -> Failure | None:
    """Import the session's package with the module in it, and run ``test_module()`` on that.

    Args:
        cells: what the module's files in the package were exported from.
        exercises: run each exercise's tests on the package instead.

    None if all goes well, else the first failure.
    """
    helpers = _helpers(key)
    session.replace([_imports(key), *_beside(key, cells), _step("\n\n".join(helpers.values()))])
    session.ready()
    origin = cells[0].origin if cells else ""
    for fault in session.faults.values():
        return _failure(verdict.of_package(fault.error, origin, {}))
    texts = {**key.texts, PLACE: key.integration} if key.integration else key.texts
    names = replace(key.names, learner=(*key.names.learner, *helpers))
    for place in key.texts if exercises else texts.keys() - key.texts.keys():
        error = _error(session, key, names, texts, place)
        if error:
            return _failure(verdict.of_package(error, origin, texts))
    return None


def _error(
    session: Session, key: AnswerKey, names: Names, texts: dict[str, str], place: str
) -> BaseException | None:
    """What a test raises that is run on the package."""
    client = session.ready()
    known = dict.fromkeys(_tests(key), _passed_before) if place == PLACE else {}
    if client is None:  # so many guests died that no further one is started
        return GuestLost("crash", Message("judge.not_judged", count=session.deaths))
    try:
        with host_deadline(host_seconds(session.limits)):
            TestRun(client, names, texts).run(place, known)
    except (Exception, GuestLost) as error:
        return error
    return None


def _imports(key: AnswerKey) -> Step:
    """The package, its façades and the module's files; their names, as the tests use them."""
    homes = list(key.module.import_names)
    imports = [PACKAGE_NAME, *key.module.facades, *homes]
    return _step(SHOW.format(imports=imports, homes=homes))


def _step(source: str) -> Step:
    return Step(OURS, source, SCRATCH)


def _beside(key: AnswerKey, cells: Sequence[Cell]) -> list[Step]:
    """What runs on the scratch pad beside the package."""
    return [step for step in program_of(key, cells).steps if step.home == SCRATCH]


def _helpers(key: AnswerKey) -> dict[str, str]:
    """The functions of the module's ungraded cells that test_module() needs: name → source."""
    ungraded = (c for c in key.cells if c.kind == "code" and not c.role and not c.is_export)
    known = {
        node.name: node
        for cell in ungraded
        for node in cell.tree.body
        if isinstance(node, ast.FunctionDef | ast.ClassDef)
    }
    found: dict[str, str] = {}
    waiting: list[ast.AST] = [parsed(key.integration)]
    while waiting:
        for name in _names_in(waiting.pop()) & known.keys() - found.keys() - {"test_module"}:
            found[name] = ast.unparse(known[name])
            waiting.append(known[name])
    return found


def _names_in(tree: ast.AST) -> set[str]:
    return {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}


def _passed_before() -> None:
    """In place of an exercise's test, which the same program has passed already."""


def _tests(key: AnswerKey) -> Iterator[str]:
    """The functions that the exercises' test cells define and test_module() calls."""
    for text in key.texts.values():
        for node in parsed(text).body:
            if isinstance(node, ast.FunctionDef) and node.name.startswith(TEST_PREFIX):
                yield node.name


def _failure(own: Failure) -> Failure:
    reason = Message("judge.integration", reason=own.reason)
    return replace(own, kind="integration", reason=reason)
