"""The order check finds later names and terms where they must not be."""

from __future__ import annotations

import pytest
from planted import HEADER, MANIFEST, plant, write

from tito.authoring.order import check_order
from tito.curriculum.curriculum import Curriculum


@pytest.fixture
def leaks(curriculum):
    module = curriculum.module(1)

    def with_change(old, new):
        text = module.source.read_text(encoding="utf-8").replace(old, new)
        module.source.write_text(text, encoding="utf-8")
        return check_order(Curriculum.load(curriculum.root))

    return with_change


def test_clean(leaks):
    assert leaks("", "") == []


@pytest.mark.parametrize(
    "planted",
    [
        "# see Total",
        "'a grand Total'",
        "print(Total)",
        "import tinytorch.core.sums",
        "from tinytorch.core.sums import x",
    ],
)
def test_leaks_are_found_with_their_place(leaks, planted):
    found = leaks("import math", planted)
    assert found
    assert "01_number.py:20" in found[0].place
    assert "Module 02" in str(found[0])


def test_prose_may_look_ahead(leaks):
    assert leaks("A number, *wrapped*.", "Total comes next: the grand total.") == []


def test_hints_are_read(curriculum, leaks):
    guidance = curriculum.module(1).guidance_file
    guidance.write_text('[number_double]\nhints = ["use Total", "b", "c"]\n', encoding="utf-8")
    (leak,) = leaks("", "")
    assert "guidance.toml [number_double]" in leak.place


# -- prerequisites decide, not numbers -------------------------------------------------------------

LATER = (
    HEADER
    + """
# %%
#| default_exp core.later

# %%
#| export
{line}

# %%
#| export
class Later:
    pass
"""
)


@pytest.fixture
def third(tmp_path):
    """`third(line, keys)` writes a Module 03 with this line and these keys; its leaks."""

    def load(line: str, keys: str) -> list[str]:
        root = plant(tmp_path / "release")
        write(root / "src" / "curriculum.toml", MANIFEST.replace("requires = [2]", keys))
        write(root / "src" / "03_later" / "03_later.py", LATER.format(line=line))
        write(root / "src" / "03_later" / "guidance.toml", "")
        curriculum = Curriculum.load(root)
        return [str(leak) for leak in check_order(curriculum, [curriculum.module(3)])]

    return load


USES_SUMS = [
    "from tinytorch import Total",
    "import tinytorch.core.sums",
    "from tinytorch.core import sums",
    "text = 'a grand total'",
]


@pytest.mark.parametrize("line", USES_SUMS)
def test_an_earlier_module_that_it_does_not_build_upon_is_a_leak(third, line):
    (leak,) = third(line, "requires = [1]")
    assert "03_later.py:" in leak and "is introduced by Module 02 (Sums)" in leak


@pytest.mark.parametrize("line", USES_SUMS)
@pytest.mark.parametrize("keys", ["requires = [2]", "requires = [1]\noptional = [2]"])
def test_what_it_builds_upon_is_none(third, line, keys):
    assert third(line, keys) == []


def test_what_its_prerequisites_need_is_none_either(third):
    assert third("from tinytorch import Number", "requires = [2]") == []
