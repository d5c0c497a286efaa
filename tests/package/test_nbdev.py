"""Our exporter understands the directives as nbdev does: the same names come out."""

from __future__ import annotations

import ast

import jupytext
import pytest
from nbdev.export import nb_export

from tito.curriculum.curriculum import Curriculum
from tito.literate.percent import parse_percent
from tito.package.exporter import export_files

CURRICULUM = Curriculum.load()
TEXT = """\
# %%
# | default_exp core.a
# %%
# | export
def f():
    pass
# %%
x = 1
# %%

#|export core.b
class B:
    y = 1
# %%
#| export
z, _hidden = 1, 2
w = 3
"""


def listed(text):
    """The names in a module's `__all__`."""
    for node in ast.parse(text).body:
        if isinstance(node, ast.Assign) and getattr(node.targets[0], "id", "") == "__all__":
            return set(ast.literal_eval(node.value))
    raise AssertionError("no __all__")


def by_nbdev(text, folder):
    """Exported file, relative to the package → its names, as nbdev exports them."""
    notebook = folder / "m.ipynb"
    jupytext.write(jupytext.reads(text, fmt="py:percent"), notebook)
    library = folder / "tinytorch"
    other = library / "core" / "b.py"  # nbdev adds to such a file, but does not make it
    other.parent.mkdir(parents=True)
    other.write_text("__all__ = []\n", encoding="utf-8")
    nb_export(notebook, lib_path=library)
    files = [path for path in library.rglob("*.py") if path.stem not in ("__init__", "_modidx")]
    return {
        ".".join(path.relative_to(library).with_suffix("").parts): listed(path.read_text("utf-8"))
        for path in files
        if listed(path.read_text("utf-8"))
    }


@pytest.mark.parametrize("module", CURRICULUM.available, ids=lambda m: m.folder)
def test_nbdev_exports_the_same_names(module, tmp_path):
    files = export_files(CURRICULUM.cells(module), module.exports, "m.py", module.folder)
    ours = {target: listed(text) for target, text in files.items()}
    assert ours == by_nbdev(module.source.read_text("utf-8"), tmp_path)


def test_nbdev_reads_the_same_spellings_and_targets(tmp_path):
    files = export_files(parse_percent(TEXT), ["core.a", "core.b"], "m.py", "m")
    ours = {target: listed(text) for target, text in files.items()}
    assert ours == {"core.a": {"f", "z", "w"}, "core.b": {"B"}}
    assert by_nbdev(TEXT, tmp_path) == ours
