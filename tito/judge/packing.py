"""The package as it is shipped to a guest: texts and compiled code, nothing on disk."""

from __future__ import annotations

import marshal
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path

from tito.curriculum.curriculum import Curriculum
from tito.package.writer import Sources, package_files

PackedModule = tuple[bool, str, bytes]  # is it a package, its text, its marshalled code
Packed = Mapping[str, PackedModule]


def packed(curriculum: Curriculum, sources: Sources) -> Packed:
    """The package of the modules in `sources`, by dotted name."""
    files = package_files(curriculum, sources)
    return {_dotted(path): _pack(path, text) for path, text in files.items()}


def _dotted(path: Path) -> str:
    parts = path.with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


@lru_cache(maxsize=128)  # a package differs from the one before by few of its files
def _pack(path: Path, text: str) -> PackedModule:
    try:
        code = marshal.dumps(compile(text, f"<{_dotted(path)}>", "exec", dont_inherit=True))
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        code = b""  # the guest will raise this where it is imported
    return path.name == "__init__.py", text, code
