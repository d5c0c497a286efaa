"""A tiny curriculum for tests: two modules, a third that is planned, one milestone of two parts."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tito.curriculum.curriculum import Curriculum
from tito.curriculum.modules import Module
from tito.literate.solutions import without_markers
from tito.workspace.layout import Workspace
from tito.workspace.setup import create

MANIFEST = """
[packages]
tinytorch = "counting, built module by module."
core = "its parts, one file a module."
nn = "sums."

[[modules]]
number = 1
folder = "01_number"
title = "Number"
tier = "Foundation"
difficulty = 1
hours = "1"
points = 5
requires = []
exports = ["core.number"]
facade = "core"
names = ["Number"]

[[modules]]
number = 2
folder = "02_sums"
title = "Sums"
tier = "Foundation"
difficulty = 2
hours = "1"
points = 3
requires = [1]
exports = ["core.sums"]
facade = "nn"
names = ["Total"]
terms = ["grand total"]

[[modules]]
number = 3
folder = "03_later"
title = "Later"
tier = "Foundation"
difficulty = 2
hours = "1"
points = 3
requires = [2]
exports = ["core.later"]
names = ["Later"]

[[milestones]]
number = 1
name = "counting"
aliases = ["abacus"]
folder = "01_1900_counting"
title = "Counting"
year = 1900

[[milestones.parts]]
script = "01_fingers.py"
title = "On fingers"
needs = [1]
targets = [{ metric = "accuracy", unit = "share", at_least = 0.9, text = "at least 90 %" }]

[[milestones.parts]]
script = "02_machine.py"
title = "By machine"
needs = [1, 2]
data = "mnist"
targets = []
"""

HEADER = """\
# ---
# jupyter:
#   jupytext:
#     text_representation:
#       extension: .py
#       format_name: percent
#   kernelspec:
#     display_name: Python 3 (ipykernel)
#     language: python
#     name: python3
# ---
"""


def exercise(name: str, code: str) -> str:
    """An exported exercise cell of a percent file."""
    return (
        f'# %% nbgrader={{"grade": false, "grade_id": "{name}", "locked": false, '
        f'"schema_version": 3, "solution": true, "task": false}}\n#| export\n{code}\n'
    )


def graded_test(name: str, points: int, code: str) -> str:
    """A graded, locked cell of a percent file."""
    return (
        f'# %% nbgrader={{"grade": true, "grade_id": "{name}", "locked": true, '
        f'"points": {points}, "schema_version": 3, "solution": false, "task": false}}\n{code}\n'
    )


SETUP = """
# %%
# For the test cells below; not part of your framework.
from tito.checks import check
"""

NUMBER = "\n".join(
    [
        HEADER,
        '# %% [markdown]\n"""\n# Module 01: Number\n\nA number, wrapped – in words.\n"""\n',
        "# %%\n#| default_exp core.number\n",
        '# %%\n#| export\n"""Numbers."""\n\nimport math\n',
        SETUP,
        exercise(
            "number_double",
            'def double(x):\n    """Return twice x."""\n'
            "    ### BEGIN SOLUTION\n    return 2 * x\n    ### END SOLUTION\n",
        ),
        graded_test(
            "test_number_double",
            2,
            'def test_number_double():\n    """double doubles."""\n'
            '    check.equal(double(4), 8, given="double(4)", because="4 + 4 is 8")\n\n'
            "test_number_double()\n",
        ),
        exercise(
            "number_value",
            'class Number:\n    """A number."""\n\n'
            "    def __init__(self, value):\n        self.value = value\n\n"
            '    def root(self):\n        """Return the square root."""\n'
            "        ### BEGIN SOLUTION\n        return math.sqrt(self.value)\n"
            "        ### END SOLUTION\n",
        ),
        graded_test(
            "test_number_value",
            3,
            'def test_number_value():\n    """root is the square root."""\n'
            '    check.equal(Number(9.0).root(), 3.0, given="Number(9).root()")\n\n'
            "test_number_value()\n",
        ),
        "# %%\ndef test_module():\n    test_number_double()\n    test_number_value()\n",
    ]
)

SUMS = "\n".join(
    [
        HEADER,
        '# %% [markdown]\n"""\n# Module 02: Sums\n"""\n',
        "# %%\n#| default_exp core.sums\n",
        "# %%\n#| export\nfrom tinytorch.core.number import Number, double\n",
        SETUP,
        exercise(
            "sums_total",
            'class Total:\n    """A running total."""\n\n'
            '    def of(self, numbers):\n        """Twice the sum of the numbers\' values."""\n'
            "        ### BEGIN SOLUTION\n        return double(sum(n.value for n in numbers))\n"
            "        ### END SOLUTION\n",
        ),
        graded_test(
            "test_sums_total",
            3,
            'def test_sums_total():\n    """of adds and doubles."""\n'
            '    check.equal(Total().of([Number(1), Number(2)]), 6, given="1 and 2")\n\n'
            "test_sums_total()\n",
        ),
        "# %%\ndef test_module():\n    test_sums_total()\n",
    ]
)

MISTAKES = """
[[{name}.mistakes]]
name = "a constant"
code = "return 1"
hint = "That is a constant; it has to depend on the input."
"""
GUIDANCE = '[{name}]\nhints = ["Nudge for {name}.", "Method for {name}.", "Nearly {name}."]\n'

SCRIPT = """\
import json, sys
sys.path.insert(0, {root!r})
import tinytorch
print(json.dumps({{"milestone": "01", "part": {part}, "title": "planted", "seeds": [0],
    "metrics": {{"accuracy": {{"mean": 0.95, "std": 0.0, "values": [0.95]}}}}, "seconds": 0.1,
    "plot": None, "package": tinytorch.__file__, "args": sys.argv[1:]}}))
"""


def plant(root: Path) -> Path:
    """Write the tiny curriculum below `root`."""
    modules = {"01_number": NUMBER, "02_sums": SUMS}
    hinted = {"01_number": ["number_double", "number_value"], "02_sums": ["sums_total"]}
    write(root / "src" / "curriculum.toml", MANIFEST)
    for folder, source in modules.items():
        write(root / "src" / folder / f"{folder}.py", source)
        guidance = "\n".join((GUIDANCE + MISTAKES).format(name=name) for name in hinted[folder])
        write(root / "src" / folder / "guidance.toml", guidance)
    milestone = root / "milestones" / "01_1900_counting"
    write(milestone / "README.md", "# Counting\n\nPeople counted on fingers.\n")
    for number, script in enumerate(("01_fingers.py", "02_machine.py"), start=1):
        own_root = "__import__('pathlib').Path(__file__).resolve().parents[2].__str__()"
        text = SCRIPT.format(root="ROOT", part=number).replace("'ROOT'", own_root)
        write(milestone / script, text)
    write(root / "datasets" / "__init__.py", "")
    write(root / "datasets" / "tiny" / "tiny.txt", "1 2 3\n")
    write(root / "milestones" / "datasets" / "mnist" / "huge.bin", "fetched, not part of it")
    return root


def write(path: Path, text: str) -> None:
    """Write a text file and its folders."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")


def answer(path: Path, answers: dict[str, str]) -> None:
    """Put the sources `answers` (exercise id → cell source) into a learner's notebook."""
    notebook = json.loads(path.read_text(encoding="utf-8"))
    for cell in notebook["cells"]:
        grade_id = cell["metadata"].get("nbgrader", {}).get("grade_id")
        if grade_id in answers:
            cell["source"] = answers[grade_id]
    path.write_text(json.dumps(notebook), encoding="utf-8")


def solve(workspace: Workspace, module: Module, **instead: str) -> None:
    """Fill the reference solutions into a learner's notebook, except those given in `instead`."""
    found = workspace.curriculum.exercises(module)
    solutions = {exercise.id: without_markers(exercise.cell.source) for exercise in found}
    answer(workspace.notebook(module), solutions | instead)


@pytest.fixture
def curriculum(tmp_path: Path) -> Curriculum:
    """The planted curriculum, in a folder of its own."""
    return Curriculum.load(plant(tmp_path / "release"))


@pytest.fixture
def workspace(curriculum: Curriculum, tmp_path: Path) -> Workspace:
    """A fresh workspace of the planted curriculum."""
    return create(tmp_path / "work", curriculum).workspace
