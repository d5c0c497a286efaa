"""The package: placeholders that say what to do, façades, truncation, determinism."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tito.curriculum.curriculum import Curriculum
from tito.package.writer import (
    PLACEHOLDER_MARK,
    PREBUILT_MARK,
    built_exports,
    is_prebuilt,
    package_files,
    prebuilt_exports,
    reference_exports,
    reference_sources,
    upon,
    write_package,
    write_reference,
)

REAL = Curriculum.load()
TOYS = Path(__file__).resolve().parents[1] / "toy_curriculum"


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


# -- several files of a module ---------------------------------------------------------------------


@pytest.fixture
def toys():
    """Two modules, each with a file in `core` and one in `shop`, which also shows their names."""
    return Curriculum.load(TOYS)


def test_each_target_gets_its_own_cells_and_a_placeholder_until_then(tmp_path, toys):
    write_package(tmp_path, toys, reference_sources(toys, upto=1))
    texts = {
        p.relative_to(tmp_path).as_posix(): p.read_text("utf-8") for p in tmp_path.rglob("*.py")
    }
    assert "def grams(" in texts["tinytorch/core/scale.py"]
    assert "def label(" in texts["tinytorch/shop/units.py"]
    assert "def label(" not in texts["tinytorch/core/scale.py"]
    for path in ("tinytorch/core/recipe.py", "tinytorch/shop/prices.py"):
        assert texts[path].startswith(PLACEHOLDER_MARK), path
    assert texts["tinytorch/shop/__init__.py"].startswith('"""tinytorch.shop: units and prices."""')
    assert texts["tinytorch/core/__init__.py"].startswith('"""tinytorch.core: weighing and rec')


def test_facades_show_names_of_every_file(tmp_path, toys):
    write_package(tmp_path, toys, reference_sources(toys))
    code = (
        "import tinytorch as t, tinytorch.shop as s\n"
        "print([f.__module__ for f in (t.grams, t.label, t.total, t.price)])\n"
        "print(s.label is t.label, s.price is t.price, s.grams is t.grams)"
    )
    done = run(tmp_path, code)
    homes = [
        f"tinytorch.{name}" for name in ("core.scale", "shop.units", "core.recipe", "shop.prices")
    ]
    assert done.stdout.splitlines() == [str(homes), "True True True"], done.stderr


def test_a_name_of_the_second_file_says_which_module_brings_it(tmp_path, toys):
    write_package(tmp_path, toys, reference_sources(toys, upto=1))
    for code in (
        "from tinytorch.shop import price",
        "from tinytorch import price",
        "import tinytorch.shop.prices",
    ):
        error = run(tmp_path, code).stderr
        assert "Module 02 (Recipe)" in error and "tito module start 02" in error, code


def test_a_module_is_built_when_each_of_its_files_is(tmp_path, toys):
    write_package(tmp_path, toys, reference_sources(toys))
    scale = toys.module(1)
    assert set(built_exports(tmp_path, scale)) == {"core.scale", "shop.units"}
    (tmp_path / "tinytorch" / "shop" / "units.py").unlink()
    assert built_exports(tmp_path, scale) is None


def test_prebuilt_files_are_marked_and_the_same_code(toys):
    scale = toys.module(1)
    prebuilt, reference = prebuilt_exports(toys, scale), reference_exports(toys, scale)
    assert is_prebuilt(prebuilt) and not is_prebuilt(reference)
    for target, text in prebuilt.items():
        mark, _, rest = text.partition("\n")
        assert mark == f"{PREBUILT_MARK} Module 01 (Scale), not your own work."
        assert rest == reference[target]


def test_a_file_outside_of_the_inner_packages(tmp_path):
    """Modules 19 and 20 lie beside `core`, not in it."""
    write_package(tmp_path, REAL, {})
    for number, target in ((19, "benchmarking"), (20, "olympics")):
        assert REAL.module(number).exports == (target,)
        error = run(tmp_path, f"import tinytorch.{target}").stderr
        assert f"Module {number}" in error


# -- what a module builds upon ---------------------------------------------------------------------


def test_upon_are_its_prerequisites_and_what_there_is_of_the_optional_ones():
    everything = {m.number: {} for m in REAL.modules}
    assert list(upon(REAL.module(10), everything)) == [1, 2, 3, 4, 5, 6, 7]
    assert list(upon(REAL.module(19), everything)) == list(range(1, 19))
    del everything[16]
    assert 16 not in upon(REAL.module(19), everything)
