"""Inside the guest: the learner's namespace, and the operations the host may ask for.

Loaded by ``guest.py`` by path; the rest of `tito` is not importable here.
"""

from __future__ import annotations

import builtins
import copy
import importlib
import importlib.abc
import importlib.util
import linecache
import marshal
import operator
import random
import sys
import types
from collections.abc import Callable, Iterable, Mapping, Sequence
from importlib.machinery import ModuleSpec
from typing import Any

import numpy as np

CELL_PLACE = "<cell {}>"
MESSAGE_LIMIT = 4000
FRAME_LIMIT = 20


class PackageFinder(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Imports the learner's package from memory: nothing on disk that anyone could change.

    ``files`` maps a dotted name to (is_package, source, marshalled code or b"").
    """

    def __init__(self, files: Mapping[str, tuple[bool, str, bytes]]) -> None:
        self.files = files
        self.codes: dict[str, types.CodeType] = {}

    def find_spec(
        self,
        fullname: str,
        path: Sequence[str] | None = None,
        target: types.ModuleType | None = None,
    ) -> ModuleSpec | None:
        """A spec for the package's own modules only."""
        if fullname.partition(".")[0] == "tito":
            raise ModuleNotFoundError("tito is no part of your framework: do not export this")
        if fullname not in self.files:
            return None
        is_package = self.files[fullname][0]
        return importlib.util.spec_from_loader(
            fullname, self, origin=f"<{fullname}>", is_package=is_package
        )

    def create_module(self, spec: ModuleSpec) -> None:
        """Let Python make the module object."""

    def exec_module(self, module: types.ModuleType) -> None:
        """Run the module's code."""
        exec(self.code(module.__name__), module.__dict__)

    def code(self, name: str) -> types.CodeType:
        """The module's code object; compiled here only if the host could not."""
        if name not in self.codes:
            _, source, ready = self.files[name]
            self.codes[name] = (
                marshal.loads(ready) if ready else compile(source, f"<{name}>", "exec")
            )
        return self.codes[name]

    def get_source(self, fullname: str) -> str:
        """The text, for inspect.getsource."""
        return self.files[fullname][1]


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
    """The learner's namespace and everything that is done with it."""

    def __init__(self) -> None:
        self.objects = Objects()
        self.snapshot = Snapshot(builtins, np, np.random)
        self.builtins = dict(vars(builtins))
        self.codes: dict[tuple[int, str], types.CodeType] = {}
        self.space: dict[str, Any] = {}
        self.get_state, self.set_state = np.random.get_state, np.random.set_state
        self.seeds = np.random.seed, random.seed

    def package(self, files: Mapping[str, tuple[bool, str, bytes]]) -> None:
        """Make the package of the learner's earlier modules importable."""
        sys.meta_path.insert(0, PackageFinder(files))

    def fresh(self) -> None:
        """Begin with an empty namespace, as a restarted notebook would."""
        self.snapshot.restore()
        self.objects.reset()
        for name in [name for name in sys.modules if name.partition(".")[0] == "tinytorch"]:
            del sys.modules[name]
        module = types.ModuleType("__main__")
        sys.modules["__main__"] = module
        self.space = module.__dict__

    def cell(self, index: int, source: str) -> None:
        """Run one of the learner's cells."""
        key = (index, source)
        if key not in self.codes:
            place = CELL_PLACE.format(index)
            linecache.cache[place] = (len(source), None, source.splitlines(True), place)
            self.codes[key] = compile(source, place, "exec", dont_inherit=True)
        exec(self.codes[key], self.space)

    def begin(self, names: Iterable[str], seed: int) -> dict[str, Any]:
        """Prepare one test: forget old handles, fix the seeds. The module's names and values."""
        self.snapshot.restore()
        self.objects.reset()
        for set_seed in self.seeds:
            set_seed(seed)
        return self.known(names)

    def known(self, names: Iterable[str]) -> dict[str, Any]:
        """Those of the names that the learner's cells have defined."""
        return {name: self.space[name] for name in names if name in self.space}

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

    def get_random(self) -> list[Any]:
        """NumPy's global random state."""
        return list(self.get_state())

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
        error = getattr(builtins, name)(message)
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
    "package", "fresh", "cell", "begin", "probe", "get_random", "set_random", "call", "enter",
    "exit",
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
    return {"classes": classes, "message": message, "frames": frames}


def _message(error: BaseException) -> str:
    try:
        text = repr(error.args[0]) if type(error) is KeyError and error.args else str(error)
        return text[:MESSAGE_LIMIT]
    except BaseException:
        return "(its message cannot be shown)"


def _frames(error: BaseException) -> list[list[Any]]:
    found = []
    step = error.__traceback__
    while step is not None:
        found.append([step.tb_frame.f_code.co_filename, step.tb_lineno])
        step = step.tb_next
    return [frame for frame in found if str(frame[0]).startswith("<cell ")][-FRAME_LIMIT:]
