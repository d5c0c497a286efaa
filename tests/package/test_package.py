"""The package: placeholders that say what to do, façades, truncation, determinism."""

from __future__ import annotations

import subprocess
import sys

import pytest

from tito.curriculum.curriculum import Curriculum
from tito.package.writer import (
    built_exports,
    package_files,
    reference_sources,
    write_package,
    write_reference,
)

REAL = Curriculum.load()


def run(folder, code):
    return subprocess.run(
        [sys.executable, "-c", code], cwd=folder, capture_output=True, text=True, encoding="utf-8"
    )


def test_empty_package_imports_and_names_the_missing_module(tmp_path):
    write_package(tmp_path, REAL, {})
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
    write_package(tmp_path, REAL, {})
    assert "AttributeError" in run(tmp_path, "import tinytorch; tinytorch.nonsense").stderr


def test_module_beyond_this_release_says_so(tmp_path, curriculum):
    from tito.package.writer import placeholder

    assert "False)" in placeholder(curriculum.module(2), "core.sums")


@pytest.mark.parametrize("number", [m.number for m in REAL.available])
def test_every_truncation_imports(tmp_path, number):
    write_package(tmp_path, REAL, reference_sources(REAL, upto=number))
    names = [name for m in REAL.available[:number] for name in m.import_names]
    done = run(tmp_path, f"import tinytorch, {', '.join(names)}")
    assert done.returncode == 0, done.stderr
    built = [m.number for m in REAL.modules if built_exports(tmp_path, m) is not None]
    assert built == list(range(1, number + 1))


def test_reference_needs_numpy_alone(tmp_path):
    write_reference(tmp_path, REAL)
    heavy = {"click", "rich", "jupytext", "matplotlib", "torch", "tito"}
    done = run(tmp_path, f"import sys, tinytorch; print(sorted({heavy} & set(sys.modules)))")
    assert done.stdout.strip() == "[]", done.stderr


def test_writing_twice_changes_nothing_and_leaves_strangers_alone(tmp_path):
    write_package(tmp_path, REAL, {})
    mine = tmp_path / "tinytorch" / "core" / "my_notes.py"
    mine.write_text("x = 1\n", encoding="utf-8")
    assert write_package(tmp_path, REAL, {}) == []
    assert mine.exists()


def test_files_are_deterministic_and_compile():
    files = package_files(REAL, reference_sources(REAL))
    assert files == package_files(Curriculum.load(), reference_sources(REAL))
    for path, text in files.items():
        compile(text, str(path), "exec")
