"""One learner's way through a curriculum that uses everything at once, with `tito` alone.

Its modules make two files each, in two packages; a track builds the second module upon the first,
prebuilt; tests are hidden; an exercise has a limit of its own; what is said is in German.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from planted import answer, solve

from tito.authoring.lint import lint_module
from tito.authoring.order import check_order
from tito.authoring.proof import prove
from tito.curriculum.curriculum import Curriculum
from tito.package.writer import PLACEHOLDER_MARK, PREBUILT_MARK
from tito.workspace.layout import Workspace

HERE = Path(__file__).parent
TOTAL = "#| export\ndef total(portions, kilograms):\n    return {}\n"
PRICE = "#| export shop.prices\ndef price(weight, each):\n    {}\n"
USE = """
import tinytorch
from tinytorch.core.recipe import total
from tinytorch.shop import label, price
assert tinytorch.price is price and tinytorch.grams(1) == 1000
print(price(total(3, 0.5), 2.0), label(5), sep=", ")
"""


class Learner:
    """Somebody in a workspace of the toy curriculum, who types commands."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch, hidden: Path | None) -> None:
        self.curriculum = Curriculum.load(HERE, hidden)
        self.workspace = Workspace(folder / "work", self.curriculum)
        self.recipe = self.curriculum.module(2)
        monkeypatch.chdir(folder)
        self.setup = self.tito("setup", "work", "--track", "recipes")
        monkeypatch.chdir(self.workspace.root)

    def tito(self, *args: str, code: int = 0) -> Result:
        from tito.cli.app import tito

        done = CliRunner().invoke(tito, list(args), prog_name="tito", obj=self.curriculum)
        assert done.exit_code == code, done.output
        return done

    def says(self, *args: str, code: int = 0) -> str:
        """What a command says, its panels and line ends taken away."""
        return " ".join(self.tito(*args, code=code).output.replace("│", " ").split())

    def answers(self, **answers: str) -> None:
        solve(self.workspace, self.recipe, **{f"recipe_{k}": v for k, v in answers.items()})

    def states(self) -> list[str]:
        status = json.loads(self.tito("module", "status", "--json").stdout)
        return [row["state"] for row in status["modules"]]

    def text(self, path: str) -> str:
        return (self.workspace.package_dir / path).read_text(encoding="utf-8")


@pytest.fixture
def learner(tmp_path, monkeypatch) -> Learner:
    """Their work is judged with the visible tests."""
    return Learner(tmp_path, monkeypatch, None)


@pytest.fixture
def graded(tmp_path, monkeypatch) -> Learner:
    """Their work is judged with the hidden tests too."""
    return Learner(tmp_path, monkeypatch, HERE / "hidden")


def test_the_whole_way(learner):
    assert "Track recipes" in learner.setup.output
    assert "you build 02; prebuilt: 01." in learner.setup.output
    assert learner.states() == ["prebuilt", "ready"]
    for path in ("core/scale.py", "shop/units.py"):
        assert learner.text(path).startswith(f"{PREBUILT_MARK} Module 01 (Scale)")
    for path in ("core/recipe.py", "shop/prices.py"):
        assert learner.text(path).startswith(PLACEHOLDER_MARK)

    assert "02_recipe.ipynb" in learner.says("module", "start", "--no-open")
    assert "0 of 8 points" in learner.says("module", "test", code=1)
    learner.answers(price=PRICE.format("raise NotImplementedError"))
    assert "nothing was exported" in learner.says("module", "complete", code=1)
    learner.answers()
    assert "8 of 8 points" in learner.says("module", "test")
    said = learner.says("module", "complete")
    assert "Module 02 (Recipe) is complete: 8 points." in said
    assert learner.states() == ["prebuilt", "completed"]

    assert "def total(" in learner.text("core/recipe.py")
    assert "def price(" in learner.text("shop/prices.py")
    assert "def price(" not in learner.text("core/recipe.py")
    used = subprocess.run(
        [sys.executable, "-c", USE], cwd=learner.workspace.root, capture_output=True, text=True
    )
    assert used.stdout.strip() == "1500 g: 3.00, 5 g", used.stderr
    assert json.loads(learner.tito("system", "doctor", "--json").stdout)["problems"] == 0


def test_a_failure_is_told_in_the_curriculums_words(learner):
    learner.answers(total=TOTAL.format("grams(kilograms) * 3"))
    said = learner.says("module", "test", code=1)
    for words in ("Das Ergebnis ist 750 statt 500.", "EINGABE total(2, 0.25)", "ERWARTET",
                  "WARUM two portions of 250 g", "DEIN CODE"):  # fmt: skip
        assert words in said, words
    assert "The result" not in said and "EXPECTED" not in said
    report = json.loads(learner.tito("module", "test", "--json", code=1).stdout)
    failure = report["results"][0]["failure"]
    assert "Das Ergebnis ist 750 statt 500." in json.dumps(failure)


def test_a_planted_mistake_is_known_in_both_files(learner):
    learner.answers(price=PRICE.format('return f"{weight / 1000 * each:.2f}"'))
    assert "That is no weight." in learner.says("module", "test", code=1)


def test_an_exercise_has_its_own_limit(learner):
    learner.answers(price=PRICE.format("while True: pass"))
    said = learner.says("module", "test", code=1)
    assert "Dein Code war nach 2 s nicht fertig." in said
    assert "1 of 2 exercises passed, 3 of 8 points." in said


def test_hidden_tests_see_through_what_was_made_for_the_visible_ones(learner, graded):
    """One knows the visible tests' answers by heart: enough for these, not for the hidden ones."""
    by_heart = {"total": TOTAL.format("500.0"), "price": PRICE.format('return "500 g: 2.00"')}
    for somebody in (learner, graded):
        somebody.answers(**by_heart)
    assert "8 of 8 points" in learner.says("module", "test", "2")
    said = graded.says("module", "test", "2", code=1)
    assert "Ein Test, der nicht gezeigt wird, schlägt bei Aufgabe recipe_total fehl." in said
    assert "3 of 12 points" in said  # a hidden test without points guards the visible one's
    assert "875" not in said and "0.125" not in said and "hidden_" not in said


def test_right_answers_pass_the_hidden_tests(graded):
    graded.answers()
    assert "12 of 12 points" in graded.says("module", "complete", "2")
    assert "Tests of Module 02" not in graded.workspace.notebook(graded.recipe).read_text("utf-8")


def test_another_track_and_back_loses_nothing(learner):
    learner.answers()
    learner.tito("module", "complete")
    mine = learner.text("core/recipe.py"), learner.text("shop/prices.py")

    assert "you build 01, 02." in learner.says("setup", "--track", "cooking")
    assert learner.states() == ["ready", "completed"]
    assert learner.text("shop/units.py").startswith(PLACEHOLDER_MARK)
    assert (learner.text("core/recipe.py"), learner.text("shop/prices.py")) == mine

    scale = learner.curriculum.module(1)
    solve(learner.workspace, scale)
    own = "#| export\ndef grams(kilograms):\n    return kilograms * 1000  # my own\n"
    answer(learner.workspace.notebook(scale), {"scale_grams": own})
    learner.tito("module", "complete", "1")
    learner.tito("setup", "--track", "recipes")
    assert learner.states() == ["completed", "completed"]
    assert "# my own" in learner.text("core/scale.py")
    assert PREBUILT_MARK not in learner.text("shop/units.py")


# -- its authors' proof ----------------------------------------------------------------------------


@pytest.fixture(scope="module")
def curriculum() -> Curriculum:
    return Curriculum.load(HERE, HERE / "hidden")


def test_its_modules_are_in_order(curriculum):
    assert [lint_module(curriculum, module) for module in curriculum.modules] == [[], []]
    assert check_order(curriculum) == []


def test_its_references_pass_and_every_planted_mistake_is_caught(curriculum):
    proofs = [proof.to_dict() for proof in prove(curriculum, curriculum.modules)]
    assert [(p["caught"], p["hinted"], p["faults"]) for p in proofs] == [(6, 6, []), (6, 6, [])]
