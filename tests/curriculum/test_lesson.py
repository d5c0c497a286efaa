"""What a module's text promises at its end, and that the snippet keeps it."""

from __future__ import annotations

import subprocess
import sys

import pytest

from tito.curriculum.curriculum import Curriculum
from tito.curriculum.lesson import ability, snippet
from tito.package.writer import reference_sources, write_package

CURRICULUM = Curriculum.load()


@pytest.mark.parametrize("module", CURRICULUM.available, ids=lambda module: module.id)
def test_every_module_says_what_one_can_do(module):
    text = ability(CURRICULUM.cells(module))
    assert text and text[0].islower() and not text.endswith((".", ";"))
    assert not set("*$`") & set(text)


@pytest.mark.parametrize("module", CURRICULUM.available, ids=lambda module: module.id)
def test_every_snippet_works_right_after_its_module(module, tmp_path):
    write_package(tmp_path, CURRICULUM, reference_sources(CURRICULUM, module.number))
    code = snippet(CURRICULUM.cells(module), module)
    command = [sys.executable, "-W", "error", "-c", code]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, f"{code}\n{done.stderr}"
    assert code.startswith("from tinytorch") and ".core." not in code
