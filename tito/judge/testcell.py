"""Running one graded test cell: the curriculum's text, with proxies for the learner's names.

The text is trusted. The cell gets ``np`` (with random numbers shared with the learner's process),
``check``, ``probe`` and the module's names. It runs in this process but leaves nothing behind.
"""

import ast
import builtins
import copy
import importlib
import math
import sys
import types
import zlib
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any

import numpy as np

from tito.checks.check import Check
from tito.judge.names import TRUSTED, Names
from tito.literate.syntax import parsed
from tito.sandbox.conversation import Client, is_remote

GETTERS = frozenset({"RandomState", "Generator", "default_rng", "SeedSequence"})
RENAMED = {"sample": "random_sample", "ranf": "random_sample"}


class SharedRandom:
    """``np.random`` of a test cell: one stream of numbers with the learner's process.

    In a notebook, ``np.random.seed(0)`` in a test decides what the learner's Dropout draws. So it
    does here: the state is fetched before the test draws and handed over before the guest runs on.
    """

    def __init__(self, link: Client, seed: int) -> None:
        self._link = link
        self._state = np.random.RandomState(seed)
        self._changed = False
        self._asked = link.requests
        link.before_request = self._hand_over

    def _hand_over(self) -> None:
        if self._changed:
            self._changed = False
            self._link.request("set_random", list(self._state.get_state()))
            self._asked = self._link.requests

    def _catch_up(self) -> None:
        if self._link.requests != self._asked and not self._changed:
            state = self._link.request("get_random")
            if not _is_random_state(state):
                raise self._link.guest.malformed()
            self._state.set_state(state)
            self._asked = self._link.requests

    def __getattr__(self, name: str) -> Any:
        name = RENAMED.get(name, name)
        if name in GETTERS or not hasattr(self._state, name):
            return getattr(np.random, name)

        def draw(*args: Any, **kwargs: Any) -> Any:
            self._catch_up()
            self._changed = True
            return getattr(self._state, name)(*args, **kwargs)

        return draw


def _is_random_state(state: Any) -> bool:
    """Whether NumPy can draw from it: it believes any position, and a state of zeros never ends."""
    match state:
        case ("MT19937", np.ndarray() as key, int(position), 0 | 1, float(gauss)):
            usable = key.dtype == np.uint32 and key.shape == (624,)
            return bool(
                usable
                and (key[0] >> 31 or key[1:].any())
                and 0 <= position <= 624
                and math.isfinite(gauss)
            )
    return False


def numpy_for_test(random: SharedRandom) -> types.ModuleType:
    """NumPy as a module of its own, so that a test can change nothing in ours."""
    facade = types.ModuleType("numpy")
    facade.__dict__.update(np.__dict__)
    facade.__dict__["random"] = random
    return facade


class TestRun:
    """One run of one test cell. ``check.position`` afterwards says how far it came."""

    __test__ = False  # not a test of pytest's

    def __init__(self, link: Client, names: Names, texts: dict[str, str]) -> None:
        """``texts``: file name (such as "<test test_tensor_add>") -> source of each test cell."""
        self.link = link
        self.names = names
        self.texts = texts
        mark = link.guest.mark
        self.check = Check(lambda: link.guest.output_since(mark), is_remote)

    def run(self, place: str, known: Mapping[str, Any] | None = None) -> None:
        """Execute the cell ``place``; raises what the test raises, or GuestLost.

        ``known``: more names that the cell may use.
        """
        seed = zlib.crc32(place.encode())
        self.link.forget()
        self.link.before_request = None
        values = self.link.request("begin", list(self.names.learner), seed)
        if type(values) is not dict:
            raise self.link.guest.malformed()
        space = self._space(SharedRandom(self.link, seed))
        space |= {name: values[name] for name in self.names.learner if name in values}
        space |= known or {}
        for earlier in self.texts:
            if earlier == place:
                break
            exec(helpers(self.texts[earlier], earlier), space)
        with np.errstate(all="ignore"):  # the warnings of expected values are not the learner's
            exec(compiled(self.texts[place], place), space)

    def _space(self, random: SharedRandom) -> dict[str, Any]:
        facade = numpy_for_test(random)
        return {
            **self.names.trusted,
            "__builtins__": {
                **vars(builtins),
                "print": lambda *args, **kwargs: None,
                "__import__": importer(facade),
            },
            "__name__": "judge",
            "np": facade,
            "check": self.check,
            "probe": self._probe,
        }

    def _probe(self, function: Callable[..., Any]) -> Any:
        """Define the decorated function beside the learner's code, from its text."""
        code = function.__code__
        source = probe_source(self.texts[code.co_filename], code.co_firstlineno)
        names = list(self.names.learner), self.names.origins
        return self.link.ask("probe", source, function.__name__, *names)


def probe_source(text: str, line: int) -> str:
    """The source of the function that begins at ``line`` of a cell, without its decorators."""
    for node in ast.walk(parsed(text)):
        if isinstance(node, ast.FunctionDef) and _first_line(node) == line:
            bare = copy.copy(node)
            bare.decorator_list = []
            return ast.unparse(bare)
    raise LookupError(f"no decorated function at line {line}")


def _first_line(function: ast.FunctionDef) -> int:
    decorators = function.decorator_list
    return decorators[0].lineno if decorators else -1


@lru_cache(maxsize=1024)
def compiled(text: str, place: str) -> types.CodeType:
    """A test cell's code."""
    return compile(text, place, "exec", dont_inherit=True)


@lru_cache(maxsize=1024)
def helpers(text: str, place: str) -> types.CodeType:
    """What an earlier test cell leaves for later ones: its functions, imports and constants."""
    kept = [statement for statement in parsed(text).body if _is_helper(statement)]
    return compile(ast.Module(kept, []), place, "exec", dont_inherit=True)


def _is_helper(statement: ast.stmt) -> bool:
    match statement:
        case ast.FunctionDef(name=name, decorator_list=[]):
            return not name.startswith("test_")
        case ast.Assign(value=ast.Constant()) | ast.Import() | ast.ImportFrom():
            return True
    return False


def importer(facade: types.ModuleType) -> Callable[..., Any]:
    """The ``import`` of a test cell: NumPy is the test's own, the standard library is allowed."""

    def load(
        name: str, space: Any = None, local: Any = None, names: Any = (), level: int = 0
    ) -> Any:
        top = name.partition(".")[0]
        if top not in TRUSTED or level:
            raise ImportError(f"a test cell may import the standard library and NumPy, not {name}")
        if name == "numpy":
            return facade
        module = importlib.import_module(name)
        if name == "numpy.random":
            return facade.random if names else facade
        return module if names else (facade if top == "numpy" else sys.modules[top])

    return load
