"""The façade packages (`tinytorch`, `tinytorch.nn`, …): what is built so far."""

from __future__ import annotations

from collections.abc import Collection

from tito.curriculum.curriculum import Curriculum
from tito.curriculum.modules import PACKAGE_NAME, Module

PENDING_SOURCE = '''\
"""What to say about a name whose module is not built yet."""


def not_built(name, label, number, available):
    """Return the ImportError for `name`, which `label` will bring."""
    if available:
        advice = f"Start it: tito module start {number}"
    else:
        advice = "This release does not contain that module yet."
    return ImportError(f"{name} comes from {label}, which is not built here yet. {advice}")
'''

LOOKUP = """

def __getattr__(name):
    if name in _PENDING:
        raise not_built(f"{__name__}.{name}", *_PENDING[name])
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
"""


def facade_source(package: str, curriculum: Curriculum, built: Collection[int]) -> str:
    """Return the `__init__.py` of `package` when these modules are built."""
    shown = [module for module in curriculum.modules if package in module.facades]
    there = [module for module in shown if module.number in built]
    pending = [module for module in shown if module.number not in built]
    title = curriculum.packages[package.partition(".")[2] or package]
    blocks = [f'"""{package}: {title}"""', _imports(there, pending), _all(there)]
    if package == PACKAGE_NAME:
        blocks += [module.on_import for module in there if module.on_import]
    text = "\n\n".join(block for block in blocks if block) + "\n"
    return text + (_pending(pending) + LOOKUP if pending else "")


def facade_packages(curriculum: Curriculum) -> list[str]:
    """Every package folder, inner ones first: façades, and what holds exported files."""
    shown = {package for module in curriculum.modules for package in module.facades}
    holding = {name.rpartition(".")[0] for m in curriculum.modules for name in m.import_names}
    return sorted(shown | holding, key=lambda name: (-name.count("."), name))


def _imports(built: list[Module], pending: list[Module]) -> str:
    homes: dict[str, list[str]] = {}
    for module in built:
        for name, home in module.shown.items():
            homes.setdefault(home, []).append(name)
    lines = [f"from {home} import {', '.join(sorted(names))}" for home, names in homes.items()]
    helper = [f"from {PACKAGE_NAME}._pending import not_built"] if pending else []
    return "\n".join(helper + lines)


def _all(built: list[Module]) -> str:
    names = [name for module in built for name in module.shown]
    return "__all__ = [\n" + "".join(f'    "{name}",\n' for name in names) + "]" if names else ""


def _pending(pending: list[Module]) -> str:
    rows = [
        f'    "{name}": ("{module.label}", "{module.id}", {module.available}),\n'
        for module in pending
        for name in module.shown
    ]
    return "\n_PENDING = {\n" + "".join(rows) + "}\n"
