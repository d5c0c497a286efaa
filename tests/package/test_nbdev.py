"""Our exporter understands the directives as nbdev does: the same names come out."""

from __future__ import annotations

import ast

import jupytext
import pytest
from nbdev.export import nb_export

from tito.curriculum.manifest import load_manifest
from tito.package.writer import reference_source


def listed(text):
    """The names in a module's `__all__`."""
    for node in ast.parse(text).body:
        if isinstance(node, ast.Assign) and getattr(node.targets[0], "id", "") == "__all__":
            return set(ast.literal_eval(node.value))
    raise AssertionError("no __all__")


@pytest.mark.parametrize("module", load_manifest().available, ids=lambda m: m.folder)
def test_nbdev_exports_the_same_names(module, tmp_path):
    notebook = tmp_path / f"{module.folder}.ipynb"
    jupytext.write(jupytext.read(module.source, fmt="py:percent"), notebook)
    library = tmp_path / "tinytorch"
    library.mkdir()
    nb_export(notebook, lib_path=library)
    theirs = (tmp_path / module.export_path).read_text(encoding="utf-8")
    assert listed(reference_source(module)) == listed(theirs)
