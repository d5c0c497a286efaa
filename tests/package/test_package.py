"""The package: placeholders that say what to do, façades, truncation, determinism."""

from __future__ import annotations

import subprocess
import sys

import pytest

from tito.curriculum.manifest import load_manifest
from tito.package.writer import (
    built_modules,
    package_files,
    reference_sources,
    write_package,
    write_reference,
)


def run(folder, code):
    return subprocess.run(
        [sys.executable, "-c", code], cwd=folder, capture_output=True, text=True, encoding="utf-8"
    )


def test_empty_package_imports_and_names_the_missing_module(tmp_path):
    write_package(tmp_path, {})
    assert run(tmp_path, "import tinytorch, tinytorch.nn, tinytorch.optim").returncode == 0
    for code in (
        "from tinytorch import Tensor",
        "import tinytorch; tinytorch.Tensor",
        "import tinytorch.core.tensor",
        "from tinytorch.core import Tensor",
    ):
        error = run(tmp_path, code).stderr.splitlines()[-1]
        assert error.startswith("ImportError"), code
        assert "Module 01 (Tensor)" in error
        assert "tito module start 01" in error


def test_unknown_name_is_an_attribute_error(tmp_path):
    write_package(tmp_path, {})
    assert "AttributeError" in run(tmp_path, "import tinytorch; tinytorch.nonsense").stderr


def test_module_beyond_this_release_says_so(tmp_path, curriculum):
    from tito.package.writer import placeholder

    assert "False)" in placeholder(curriculum.module(2))


@pytest.mark.parametrize("number", [m.number for m in load_manifest().available])
def test_every_truncation_imports(tmp_path, number):
    write_package(tmp_path, reference_sources(upto=number))
    names = [m.import_name for m in load_manifest().available if m.number <= number]
    done = run(tmp_path, f"import tinytorch, {', '.join(names)}")
    assert done.returncode == 0, done.stderr
    assert built_modules(tmp_path) == tuple(range(1, number + 1))


def test_reference_needs_numpy_alone(tmp_path):
    write_reference(tmp_path)
    heavy = {"click", "rich", "jupytext", "matplotlib", "torch", "tito"}
    done = run(tmp_path, f"import sys, tinytorch; print(sorted({heavy} & set(sys.modules)))")
    assert done.stdout.strip() == "[]", done.stderr


def test_writing_twice_changes_nothing_and_leaves_strangers_alone(tmp_path):
    write_package(tmp_path, {})
    mine = tmp_path / "tinytorch" / "core" / "my_notes.py"
    mine.write_text("x = 1\n", encoding="utf-8")
    assert write_package(tmp_path, {}) == []
    assert mine.exists()


def test_files_are_deterministic_and_compile():
    files = package_files(reference_sources())
    assert files == package_files(reference_sources())
    for path, text in files.items():
        compile(text, str(path), "exec")
