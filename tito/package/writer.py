"""Lay out the package `tinytorch`: exported modules, placeholders for the rest, façades.

One form serves all: a learner's growing package, the complete reference build, the judge's
view of a module's prerequisites, and the author's proof that every truncation imports.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from textwrap import indent

from tito.curriculum.curriculum import Curriculum
from tito.curriculum.modules import PACKAGE_NAME, Module
from tito.files import sweep, write_atomic
from tito.package.exporter import export_files
from tito.package.facade import PENDING_SOURCE, facade_packages, facade_source

PLACEHOLDER_MARK = "# tito: not built yet"
PREBUILT_MARK = "# tito: prebuilt, the reference solution of"
HAND_OVER = ("workspaces.py", "hand_over.py")  # what opens the reference package, in this order
OWN_IMPORT = re.compile(r"^from tito\..*\n", re.MULTILINE)  # of one of these by the other
TITLE = """\"\"\"tinytorch: a machine-learning framework, built module by module: the reference.

Inside a learner's workspace it becomes the learner's own package.
\"\"\"

"""

Exports = Mapping[str, str]  # target ("core.tensor") → text of the exported file
Sources = Mapping[int, Exports]  # module number → its exported files


def reference_exports(curriculum: Curriculum, module: Module) -> Exports:
    """The exported files of one module's reference solution."""
    return export_files(curriculum.cells(module), module.exports, str(module.source), module.folder)


def reference_sources(curriculum: Curriculum, upto: int | None = None) -> Sources:
    """Module number → exported files of the reference, up to a module if one is named."""
    modules = [m for m in curriculum.available if upto is None or m.number <= upto]
    return {module.number: reference_exports(curriculum, module) for module in modules}


def upon(module: Module, sources: Sources) -> Sources:
    """Of these sources what the module builds upon, optional ones too where they are there."""
    wanted = {*module.prerequisites, *module.optional}
    return {number: exports for number, exports in sources.items() if number in wanted}


def prebuilt_exports(curriculum: Curriculum, module: Module) -> Exports:
    """The reference's files for a learner's package, marked as what they are."""
    exports = reference_exports(curriculum, module)
    mark = f"{PREBUILT_MARK} {module.label}, not your own work.\n"
    return {target: mark + text for target, text in exports.items()}


def package_files(curriculum: Curriculum, sources: Sources, preamble: str = "") -> dict[Path, str]:
    """Return relative path → text of every file of the package, given the modules built so far.

    `preamble` (of the reference) opens the top-level `__init__`, whose façade then counts only if
    no workspace takes over. Exported files come first, so that a package written
    in this order never shows a name before it exists.
    """
    files = {}
    for module in curriculum.modules:
        exports = sources.get(module.number, {})
        for target, path in module.export_paths.items():
            files[path] = exports.get(target) or placeholder(module, target)
    files[Path(PACKAGE_NAME, "_pending.py")] = PENDING_SOURCE
    for package in facade_packages(curriculum):
        text = facade_source(package, curriculum, sources.keys())
        if preamble and package == PACKAGE_NAME:
            text = f"{preamble}\n\nif not _hand_over(globals()):\n{indent(text, '    ')}"
        files[Path(*package.split("."), "__init__.py")] = text
    return files


def write_package(
    root: Path, curriculum: Curriculum, sources: Sources, *, preamble: str = ""
) -> list[Path]:
    """Write the package below `root`; return the files that changed. Each file is atomic.

    Files of the same content are left alone, and so is anything that is not the package's own.
    """
    changed = []
    files = package_files(curriculum, sources, preamble)
    for folder in {(root / relative).parent for relative in files}:
        sweep(folder)
    for relative, text in files.items():
        path = root / relative
        if not path.is_file() or path.read_bytes() != text.encode("utf-8"):
            write_atomic(path, text, durable=False, inside=root)
            changed.append(path)
    return changed


def write_reference(root: Path, curriculum: Curriculum) -> list[Path]:
    """Write the complete reference package, which hands over to a learner's own in a workspace."""
    sources = reference_sources(curriculum)
    return write_package(root, curriculum, sources, preamble=hand_over_source())


def hand_over_source() -> str:
    """The text that opens the reference package: it depends on nothing of `tito`."""
    texts = (Path(__file__).with_name(name).read_text(encoding="utf-8") for name in HAND_OVER)
    return TITLE + "\n\n".join(OWN_IMPORT.sub("", text).strip() for text in texts)


def built_exports(root: Path, module: Module) -> Exports | None:
    """The module's files in the package below `root`; None unless each of them is built."""
    texts = {target: _text(root / path) for target, path in module.export_paths.items()}
    built = {target: text for target, text in texts.items() if text is not None}
    return built if len(built) == len(texts) else None


def is_prebuilt(exports: Exports) -> bool:
    """Whether these files are the reference's, put there for a track, not the learner's own."""
    return any(text.startswith(PREBUILT_MARK) for text in exports.values())


def _text(path: Path) -> str | None:
    if not path.is_file():
        return None
    text = path.read_text(encoding="utf-8", errors="replace")
    return None if text.startswith(PLACEHOLDER_MARK) else text


def placeholder(module: Module, target: str) -> str:
    """The file that stands where a module's code will be: importing it says what to do."""
    return (
        f"{PLACEHOLDER_MARK}\n"
        f"from {PACKAGE_NAME}._pending import not_built\n\n"
        f'raise not_built("{PACKAGE_NAME}.{target}", "{module.label}", '
        f'"{module.id}", {module.available})\n'
    )
