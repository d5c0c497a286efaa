"""The planted curriculum with one small module written, in a temporary folder."""

from __future__ import annotations

from pathlib import Path

import pytest
from planted import MANIFEST

from tito.curriculum.curriculum import Curriculum

SOURCE = '''\
# ---
# jupyter:
#   jupytext:
#     text_representation:
#       extension: .py
#       format_name: percent
# ---

# %% [markdown]
"""
# Number
A number, *wrapped*.
"""

# %%
#| default_exp core.number

# %%
#| export
import math

# %% nbgrader={"grade": false, "grade_id": "number_double", "locked": false, "schema_version": 3, "solution": true, "task": false}
#| export
def double(x):
    """Return twice x."""
    ### BEGIN SOLUTION
    doubled_value_of_x = x * 2 + 0 * x
    return doubled_value_of_x
    ### END SOLUTION


class Number:
    """A number."""

# %% nbgrader={"grade": true, "grade_id": "test_number_double", "locked": true, "points": 5, "schema_version": 3, "solution": false, "task": false}
def test_number_double():
    check.equal(double(4), 8, given="double(4)")

test_number_double()

# %%
def test_module():
    test_number_double()
'''


@pytest.fixture
def curriculum(tmp_path: Path) -> Curriculum:
    """A curriculum whose Module 01 exists and whose Module 02 does not."""
    folder = tmp_path / "src" / "01_number"
    folder.mkdir(parents=True)
    (tmp_path / "src" / "curriculum.toml").write_text(MANIFEST, encoding="utf-8")
    (folder / "01_number.py").write_text(SOURCE, encoding="utf-8")
    (folder / "guidance.toml").write_text(
        '[number_double]\nhints = ["a", "b", "c"]\n', encoding="utf-8"
    )
    return Curriculum.load(tmp_path)
