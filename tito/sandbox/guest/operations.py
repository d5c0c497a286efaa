"""Inside the guest: all that the host may ask for."""

from __future__ import annotations

import builtins
import copy
import importlib
import operator
import random
import sys
import types
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from .package import PackageFinder
from .spaces import CELL_PLACE, Spaces

MESSAGE_LIMIT = 4000
FRAME_LIMIT = 20


class Objects:
    """Objects that stay here, by handle. The same object always has the same handle."""

    def __init__(self) -> None:
        self.by_handle: dict[int, Any] = {}
        self.handles: dict[int, int] = {}

    def hold(self, value: Any) -> int:
        """The value's handle; the object lives until the next reset."""
        key = id(value)
        if key not in self.handles:
            self.handles[key] = len(self.by_handle) + 1
            self.by_handle[self.handles[key]] = value
        return self.handles[key]

    def reset(self) -> None:
        """Let go of everything."""
        self.by_handle.clear()
        self.handles.clear()


class Snapshot:
    """What the builtins and NumPy looked like before the learner's code ran."""

    def __init__(self, *modules: types.ModuleType) -> None:
        self.saved = [(vars(module), dict(vars(module))) for module in modules]

    def restore(self) -> None:
        """Undo changes to them, so that a probe measures with the real tools."""
        for names, saved in self.saved:
            names.update(saved)


class Operations:
    """The learner's namespaces and everything that is done with them."""

    def __init__(self) -> None:
        self.objects = Objects()
        self.spaces = Spaces()
        self.snapshot = Snapshot(builtins, np, np.random)
        self.builtins = dict(vars(builtins))
        self.get_state, self.set_state = np.random.get_state, np.random.set_state
        self.seeds = np.random.seed, random.seed
        self.set_trace = sys.settrace
        self.returns: set[int] = set()

    def package(self, files: Mapping[str, tuple[bool, str, bytes]]) -> None:
        """Make the package of the learner's earlier modules importable, and no other."""
        others = [f for f in sys.meta_path if not isinstance(f, PackageFinder)]
        sys.meta_path[:] = [PackageFinder(files), *others]

    def fresh(self, homes: Sequence[str] = ()) -> None:
        """Begin with empty namespaces: one for each home, and the scratch pad."""
        self.snapshot.restore()
        self.objects.reset()
        self.spaces.start(homes)

    def cell(self, home: str, index: int, source: str) -> None:
        """Run one of the learner's cells in a home ("": on the scratch pad)."""
        self.spaces.run(home, index, source)

    def begin(self, names: Iterable[str], seed: int) -> dict[str, Any]:
        """Prepare one test: forget old handles, fix the seeds. The module's names and values."""
        self.snapshot.restore()
        self.objects.reset()
        for set_seed in self.seeds:
            set_seed(seed)
        return self.known(names)

    def known(self, names: Iterable[str]) -> dict[str, Any]:
        """Those of the names that the learner's cells have bound."""
        return self.spaces.known(names)

    def probe(
        self, source: str, name: str, names: Iterable[str], origins: Mapping[str, str]
    ) -> Any:
        """Define a function of a test cell beside the learner's code.

        It sees the module's names, but a learner's own `all`, `math` or `np` is not asked.
        """
        self.snapshot.restore()
        real = {key: imported(origin) for key, origin in origins.items()}
        space = {**self.known(names), **real, "np": np, "__builtins__": self.builtins}
        exec(compile(source, "<probe>", "exec", dont_inherit=True), space)
        function = space[name]

        def measured(*args: Any, **kwargs: Any) -> Any:
            self.snapshot.restore()
            return function(*args, **kwargs)

        return measured

    def watch(self, index: int, name: str) -> None:
        """From now on note the lines at which this function of a cell is left."""
        place, lines = CELL_PLACE.format(index), self.returns

        def note(frame: types.FrameType, event: str, value: Any) -> Any:
            if event == "return":
                lines.add(frame.f_lineno)
            return note

        def look(frame: types.FrameType, event: str, value: Any) -> Any:
            code = frame.f_code
            if (code.co_filename, code.co_qualname) != (place, name):
                return None
            frame.f_trace_lines = False
            return note

        self.set_trace(look)

    def returned(self) -> list[int]:
        """The lines noted since this was last asked."""
        found = sorted(self.returns)
        self.returns.clear()
        return found

    def get_random(self) -> Any:
        """NumPy's global random state."""
        return self.get_state()

    def set_random(self, state: Iterable[Any]) -> None:
        """Set NumPy's global random state."""
        self.set_state(tuple(state))

    def call(self, function: Any, args: Sequence[Any], kwargs: Mapping[str, Any]) -> Any:
        """Call something."""
        return function(*args, **kwargs)

    def enter(self, manager: Any) -> Any:
        """Enter a context manager."""
        return type(manager).__enter__(manager)

    def exit(self, manager: Any, name: str, message: str) -> bool:
        """Leave a context manager, with the error of this builtin class or without ("")."""
        if not name:
            return bool(type(manager).__exit__(manager, None, None, None))
        try:
            error = self.builtins[name](message)
        except Exception:  # not every class is content with a message
            error = RuntimeError(message)
        return bool(type(manager).__exit__(manager, type(error), error, None))

    def operations(self) -> dict[str, Callable[..., Any]]:
        """Operation name -> function: all that a request can ask for."""
        return {**OPERATIONS, **{name: getattr(self, name) for name in OWN}}


def imported(origin: str) -> Any:
    """The thing that "module" or "module:attribute" names."""
    home, _, attribute = origin.partition(":")
    module = importlib.import_module(home)
    return getattr(module, attribute) if attribute else module


# fmt: off
OWN = (
    "package", "fresh", "cell", "begin", "known", "probe", "watch", "returned", "get_random",
    "set_random", "call",
    "enter", "exit",
)
OPERATORS = (
    "add", "sub", "mul", "truediv", "floordiv", "mod", "pow", "matmul", "and_", "or_", "xor",
    "iadd", "isub", "imul", "itruediv", "ifloordiv", "imod", "ipow", "imatmul", "iand", "ior",
    "ixor", "eq", "ne", "lt", "le", "gt", "ge", "neg", "pos", "invert", "getitem", "setitem",
    "delitem", "contains", "index",
)
FUNCTIONS = (
    "abs", "getattr", "setattr", "delattr", "len", "iter", "next", "reversed", "bool", "float",
    "int", "repr", "str", "format", "round", "isinstance", "issubclass",
)
# fmt: on
OPERATIONS: dict[str, Callable[..., Any]] = {
    **{name: getattr(operator, name) for name in OPERATORS},
    **{name: getattr(builtins, name) for name in FUNCTIONS},
    "array": np.asarray,
    "copy": copy.copy,
    "deepcopy": copy.deepcopy,
}


def error_form(error: BaseException) -> dict[str, Any]:
    """An exception as plain data: its classes, its message, the learner's lines it passed."""
    classes = [kind.__name__ for kind in type(error).__mro__]
    frames, message = _frames(error), _message(error)
    if type(error).__module__ == "builtins" and isinstance(error, SyntaxError):
        frames, message = [*frames, [error.filename, error.lineno]], error.msg
    told = {"classes": classes, "message": message, "frames": frames}
    return {**told, "importing": _importing(error)}


def _message(error: BaseException) -> str:
    try:
        text = repr(error.args[0]) if type(error) is KeyError and error.args else str(error)
        return text[:MESSAGE_LIMIT]
    except BaseException:
        return "(its message cannot be shown)"


def _importing(error: BaseException) -> str:
    """The innermost of our package's modules that an error kept from being imported; or ""."""
    found, step = "", error.__traceback__
    if isinstance(error, SyntaxError) and str(error.filename).startswith("<tinytorch"):
        return str(error.filename)[1:-1]
    while step is not None:
        code = step.tb_frame.f_code
        if code.co_name == "<module>" and code.co_filename.startswith("<tinytorch"):
            found = code.co_filename[1:-1]
        step = step.tb_next
    return found


def _frames(error: BaseException) -> list[list[Any]]:
    found = []
    step = error.__traceback__
    while step is not None:
        found.append([step.tb_frame.f_code.co_filename, step.tb_lineno])
        step = step.tb_next
    return [frame for frame in found if str(frame[0]).startswith("<cell ")][-FRAME_LIMIT:]
