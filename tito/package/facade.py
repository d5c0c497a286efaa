"""The façade packages (`tinytorch`, `tinytorch.nn`, …): what is built so far."""

from __future__ import annotations

from collections.abc import Mapping

from tito.curriculum.manifest import PACKAGE_NAME, Manifest, Module

TITLES = {
    "tinytorch": "a machine-learning framework, built module by module.",
    "tinytorch.core": "the framework's parts, one file a module.",
    "tinytorch.nn": "layers, activations and losses.",
    "tinytorch.optim": "optimizers.",
    "tinytorch.data": "data sets, loaders and tokenizers.",
    "tinytorch.perf": "measuring and speeding up, one file a module.",
    "tinytorch.profiling": "measuring models.",
}

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


def facade_source(package: str, manifest: Manifest, sources: Mapping[int, str]) -> str:
    """Return the `__init__.py` of `package` when the modules in `sources` are built."""
    shown = [module for module in manifest.modules if package in module.facades]
    built = [module for module in shown if module.number in sources]
    pending = [module for module in shown if module.number not in sources]
    blocks = [f'"""{package}: {TITLES[package]}"""', _imports(built, pending), _all(built)]
    if package == PACKAGE_NAME:
        blocks += [module.on_import for module in built if module.on_import]
    text = "\n\n".join(block for block in blocks if block) + "\n"
    return text + (_pending(pending) + LOOKUP if pending else "")


def _imports(built: list[Module], pending: list[Module]) -> str:
    lines = [f"from {m.import_name} import {', '.join(sorted(m.names))}" for m in built]
    helper = [f"from {PACKAGE_NAME}._pending import not_built"] if pending else []
    return "\n".join(helper + lines)


def _all(built: list[Module]) -> str:
    names = [name for module in built for name in module.names]
    return "__all__ = [\n" + "".join(f'    "{name}",\n' for name in names) + "]" if names else ""


def _pending(pending: list[Module]) -> str:
    rows = [
        f'    "{name}": ("{module.label}", "{module.id}", {module.available}),\n'
        for module in pending
        for name in module.names
    ]
    return "\n_PENDING = {\n" + "".join(rows) + "}\n"
