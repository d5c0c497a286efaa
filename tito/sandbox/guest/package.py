"""The package of the learner's earlier modules, imported from memory."""

from __future__ import annotations

import importlib.abc
import importlib.util
import marshal
import types
from collections.abc import Mapping, Sequence
from importlib.machinery import ModuleSpec


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
