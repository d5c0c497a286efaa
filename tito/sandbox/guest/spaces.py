"""Where the learner's cells run: one module for each file they are exported to, and a scratch pad.

Code of an exported file sees what the cells of that file define or import, and nothing else, as it
will in the package. The scratch pad (home "") sees all of it, as the rest of a notebook does.
"""

from __future__ import annotations

import builtins
import importlib.util
import linecache
import sys
import types
from collections.abc import Iterable
from importlib.machinery import ModuleSpec
from typing import Any

CELL_PLACE = "<cell {}>"
SCRATCH = ""


class Spaces:
    """The namespaces by home: the dotted name of a module, or "" for the scratch pad."""

    def __init__(self) -> None:
        self.modules: dict[str, types.ModuleType] = {}
        self.owners: dict[str, str] = {}  # name -> the home whose cells bound it last
        self.codes: dict[tuple[int, str], types.CodeType] = {}

    def start(self, homes: Iterable[str]) -> None:
        """Begin with empty namespaces, as a restarted notebook would."""
        tops = {"tinytorch", *(home.partition(".")[0] for home in homes)}
        for name in [name for name in sys.modules if name.partition(".")[0] in tops]:
            del sys.modules[name]
        self.owners = {}
        self.modules = {home: _module(home) for home in (*homes, SCRATCH)}
        for module in self.modules.values():
            sys.modules[module.__name__] = module

    def run(self, home: str, index: int, source: str) -> None:
        """Run one cell in its home; what it binds there is seen on the scratch pad."""
        space = vars(self.modules[home])
        code = self._compiled(index, source)
        before = dict(space)
        try:
            exec(code, space)
        finally:
            for name, value in space.items():
                if before.get(name, self) is not value:
                    self.owners[name] = home
            self.publish()

    def _compiled(self, index: int, source: str) -> types.CodeType:
        key = (index, source)
        if key not in self.codes:
            place = CELL_PLACE.format(index)
            linecache.cache[place] = (len(source), None, source.splitlines(True), place)
            self.codes[key] = compile(source, place, "exec", dont_inherit=True)
        return self.codes[key]

    def publish(self) -> None:
        """Show on the scratch pad what the names of the homes mean now."""
        scratch = vars(self.modules[SCRATCH])
        for name, home in self.owners.items():
            space = vars(self.modules[home])
            if home == SCRATCH or _is_dunder(name):
                continue
            if name in space:
                scratch[name] = space[name]
            else:  # deleted since
                scratch.pop(name, None)

    def known(self, names: Iterable[str]) -> dict[str, Any]:
        """Those of the names that the cells have bound, with what they mean now."""
        self.publish()
        scratch = vars(self.modules[SCRATCH])
        return {name: scratch[name] for name in names if name in scratch}


def _is_dunder(name: str) -> bool:
    return name.startswith("__") and name.endswith("__")


def _module(home: str) -> types.ModuleType:
    """An empty module of this name, as the import system would make it."""
    if home == SCRATCH:
        return types.ModuleType("__main__")
    spec = ModuleSpec(home, None, origin=f"<{home}>")
    module = importlib.util.module_from_spec(spec)
    vars(module)["__builtins__"] = builtins
    return module
