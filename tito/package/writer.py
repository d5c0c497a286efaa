"""Lay out the package `tinytorch`: exported modules, placeholders for the rest, façades.

One form serves all: a learner's growing package, the complete reference build, the judge's
view of a module's prerequisites, and the author's proof that every truncation imports.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from textwrap import indent

from tito.curriculum.manifest import PACKAGE_NAME, Manifest, Module, load_manifest
from tito.files import write_atomic
from tito.literate.percent import read_cells
from tito.package.exporter import export_source
from tito.package.facade import PENDING_SOURCE, facade_source

PLACEHOLDER_MARK = "# tito: not built yet"
WHOSE_CODE = Path(__file__).with_name("templates") / "whose_code.py"


def reference_sources(upto: int | None = None) -> dict[int, str]:
    """Module number → exported text of the reference solution, for all available modules.

    `upto` keeps only the modules up to that number.
    """
    modules = load_manifest().available
    return {m.number: reference_source(m) for m in modules if upto is None or m.number <= upto}


def reference_source(module: Module) -> str:
    """The exported text of one module's reference solution."""
    return export_source(read_cells(module.source), module, str(module.source))


def package_files(
    sources: Mapping[int, str], manifest: Manifest | None = None, preamble: str = ""
) -> dict[Path, str]:
    """Return relative path → text of every file of the package, given the modules built so far.

    `preamble` (the text of `whose_code.py`) opens the top-level `__init__`, whose façade then
    counts only if no workspace takes over. Exported files come first, so that a package written
    in this order never shows a name before it exists.
    """
    manifest = manifest or load_manifest()
    files = {m.export_path: sources.get(m.number) or placeholder(m) for m in manifest.modules}
    files[Path(PACKAGE_NAME, "_pending.py")] = PENDING_SOURCE
    for package in facade_packages(manifest):
        text = facade_source(package, manifest, sources)
        path = Path(*package.split("."), "__init__.py")
        if preamble and package == PACKAGE_NAME:
            text = f"{preamble}\n\nif not _hand_over(globals()):\n{indent(text, '    ')}"
        files[path] = text
    return files


def write_package(root: Path, sources: Mapping[int, str], *, preamble: str = "") -> list[Path]:
    """Write the package below `root`; return the files that changed. Each file is atomic.

    Files of the same content are left alone, and so is anything that is not the package's own.
    """
    changed = []
    for relative, text in package_files(sources, preamble=preamble).items():
        path = root / relative
        if not path.is_file() or path.read_bytes() != text.encode("utf-8"):
            write_atomic(path, text, durable=False)
            changed.append(path)
    return changed


def write_reference(root: Path) -> list[Path]:
    """Write the complete reference package, which hands over to a learner's own in a workspace."""
    preamble = WHOSE_CODE.read_text(encoding="utf-8")
    return write_package(root, reference_sources(), preamble=preamble)


def built_modules(root: Path) -> tuple[int, ...]:
    """The numbers of the modules whose code stands in the package below `root`."""
    modules = load_manifest().modules
    return tuple(m.number for m in modules if exported_text(root, m) is not None)


def exported_text(root: Path, module: Module) -> str | None:
    """The module's exported text in the package below `root`; None where it is not built."""
    path = root / module.export_path
    if not path.is_file():
        return None
    text = path.read_text(encoding="utf-8", errors="replace")
    return None if text.startswith(PLACEHOLDER_MARK) else text


def placeholder(module: Module) -> str:
    """The file that stands where a module's code will be: importing it says what to do."""
    return (
        f"{PLACEHOLDER_MARK}\n"
        f"from {PACKAGE_NAME}._pending import not_built\n\n"
        f'raise not_built("{module.import_name}", "{module.label}", '
        f'"{module.id}", {module.available})\n'
    )


def facade_packages(manifest: Manifest) -> list[str]:
    """Every package folder: those of the façades and those that hold exported files."""
    shown = {package for module in manifest.modules for package in module.facades}
    holding = {m.import_name.rpartition(".")[0] for m in manifest.modules}
    return sorted(shown | holding, key=lambda name: (-name.count("."), name))
