"""A faulty manifest is refused with the file, the place in it, and what is expected there."""

from __future__ import annotations

import re

import pytest
from planted import MANIFEST, write

from tito.curriculum.curriculum import Curriculum
from tito.errors import TitoError

NUMBER = r"curriculum\.toml:7: modules\[0\]"
SUMS = r"curriculum\.toml:20: modules\[1\]"
LATER = r"curriculum\.toml:34: modules\[2\]"
COUNTING = r"curriculum\.toml:46: milestones\[0\]\.parts\[0\]"


def names(text: str) -> str:
    return f'names = ["Later"]\n{text}'


FORM = [
    ("points = 5", "score = 5", f"{NUMBER}: .*unknown field `score`; expected one of number, fold"),
    ("points = 5", 'points = "five"', rf"{NUMBER}\.points: Expected `int`, got `str`"),
    ("points = 5", "points = -1", rf"{NUMBER}\.points: Expected `int` >= 0"),
    ("difficulty = 1", "difficulty = 5", rf"{NUMBER}\.difficulty: Expected `int` <= 4"),
    ('title = "Sums"\n', "", f"{SUMS}: Object missing required field `title`"),
    ('folder = "02_sums"', 'folder = "sums"', rf"{SUMS}\.folder: Expected `str` matching"),
    ("requires = [1]", "requires = [0]", rf"{SUMS}\.requires\[0\]: Expected `int` >= 1"),
    ('exports = ["core.later"]', "exports = []", rf"{LATER}\.exports: .* of length >= 1"),
    ('["core.later"]', '"core.later"', rf"{LATER}\.exports: Expected `array`, got `str`"),
    ("core.later", "core.Later", rf"{LATER}\.exports\[0\]: Expected `str` matching"),
    ('names = ["Later"]', names('limits = [{ exercise = "later_x", seconds = 0 }]'),
     rf"{LATER}\.limits\[0\]\.seconds: Expected `float` > 0"),
    ('names = ["Later"]', names('limits = [{ exercise = "later_x", minutes = 1 }]'),
     rf"{LATER}\.limits\[0\]: .*`minutes`; expected one of exercise, seconds, cpu_seconds"),
    ('unit = "share"', 'unit = "percent"',
     rf"{COUNTING}\.targets\[0\]\.unit: .*'percent'; expected one of number, share, successes"),
    ("[packages]", "[package]", r"`package`; expected one of modules, milestones, tracks, pack"),
    ("[packages]", "[packages", r"not valid TOML: .*\(at line 2, column 10\)"),
]  # fmt: skip

SENSE = [
    ('number = 2\nfolder = "02_', 'number = 4\nfolder = "04_', "numbered 01, 03, 04; expected 1"),
    ('folder = "02_sums"', 'folder = "03_sums"', "03_sums: number is 2; the folder should begin"),
    ("requires = [1]", "requires = [3]", "02_sums: requires 3, which is no earlier module"),
    ("requires = [2]", "requires = [3]", "03_later: requires 3, which is no earlier module"),
    ("requires = [1]", "optional = [3]", "02_sums: optional 3, which is no earlier module"),
    ("core.later", "perf.later", r"03_later: the package 'perf' has no line under \[packages\]"),
    ('facade = "nn"', 'facade = "extra"', r"02_sums: the package 'extra' has no line"),
    ('tinytorch = "counting, built module by module."', "", r"the package 'tinytorch' has no line"),
    ("core.later", "core.sums", "two exports are 'core.sums'"),
    ('"core.later"', '"core.later", "core.later"', "two exports are 'core.later'"),
    ("core.later", "nn", "'nn' is a module's file and a package too"),
    ('names = ["Later"]', 'names = ["Total"]', "two modules show the name 'Total'"),
    ('names = ["Later"]', 'names = ["core.other:Name"]',
     "03_later: 'core.other:Name' names 'core.other', which is not among its exports"),
    ("needs = [1, 2]", "needs = [1, 9]", "counting, 02_machine.py: needs 9, which is no module"),
]  # fmt: skip


@pytest.mark.parametrize(("old", "new", "said"), FORM + SENSE)
def test_fault_is_named_with_its_place(changed, old, new, said):
    with pytest.raises(TitoError) as fault:
        changed(old, new)
    assert re.search(said, fault.value.message), fault.value.message
    assert "src/curriculum.toml" in fault.value.message.replace("\\", "/")


def test_the_line_is_the_one_of_the_table_at_fault():
    lines = MANIFEST.splitlines()
    assert [lines[n - 1] for n in (7, 20, 34)] == ["[[modules]]"] * 3
    assert lines[46 - 1] == "[[milestones]]"


TRACK = '\n[[tracks]]\nname = "all"\ntitle = "All"\nbuild = "1-3"\n'


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('"1-3"', '"1-9"', "track all: build 4, which is no module"),
        ('"1-3"', '"1-x"', "track all: '1-x' is not a module number or a run such as 14-19"),
        ('"1-3"', '"3-1"', "track all: the run '3-1' goes backwards"),
        ('"1-3"', '""', "track all: '' is not a module number"),
        ('"1-3"', "[1, 2]", r"tracks\[0\]\.build: Expected `str`, got `array`"),
        ('"all"', '"All of it"', r"tracks\[0\]\.name: Expected `str` matching"),
        ("[[tracks]]", TRACK + "[[tracks]]", "two tracks are 'all'"),
    ],
)
def test_fault_in_a_track(changed, old, new, said):
    with pytest.raises(TitoError, match=said):
        changed(more=TRACK.replace(old, new))


def test_no_manifest_at_all(tmp_path):
    with pytest.raises(TitoError, match=r"curriculum\.toml"):
        Curriculum.load(tmp_path)


def test_no_folder_of_hidden_tests(curriculum, tmp_path):
    """Otherwise a mistyped folder would grade with the visible tests alone."""
    with pytest.raises(TitoError, match=r"no folder of hidden tests .*nowhere"):
        Curriculum.load(curriculum.root, hidden=tmp_path / "nowhere")


# -- another wording -------------------------------------------------------------------------------


@pytest.fixture
def worded(tmp_path):
    """`worded(text)` loads the planted manifest with this text as its wording."""

    def load(text: str) -> Curriculum:
        write(tmp_path / "src" / "curriculum.toml", 'wording = "words.toml"\n' + MANIFEST)
        write(tmp_path / "src" / "words.toml", text)
        return Curriculum.load(tmp_path)

    return load


def test_some_sentences_are_replaced_and_the_others_stay(worded):
    sentences = worded('"check.result" = "Das Ergebnis"').wording.sentences
    assert sentences["check.result"] == "Das Ergebnis"
    assert sentences["label.got"] == "GOT"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('"check.nothing" = "x"', "'check.nothing' is no sentence of"),
        ('"check.result" = "{size} ist es"', "'check.result' names {size}; the English"),
        ('"check.result" = "{ist es"', "'check.result' cannot be filled in"),
        ('"check.result" = 3', "Expected `str`, got `int`"),
        ('check.result = "x"', "Expected `str`, got `object`"),
        ("check", "is not valid TOML"),
    ],
)
def test_fault_in_a_wording(worded, text, said):
    with pytest.raises(TitoError, match=said) as fault:
        worded(text)
    assert "words.toml" in fault.value.message


# -- guidance --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[number_double]\nhint = ['x']", r"\[number_double\]: .*`hint`; expected one of hints"),
        ("[number_double]\nhints = 'x'", r"\[number_double\]: hints: Expected `array`, got `str`"),
        ("[[number_double.mistakes]]\nname = 'a'", r"missing required field `hint`"),
        ("[number_double", "is not valid TOML"),
    ],
)
def test_fault_in_guidance(curriculum, text, said):
    module = curriculum.module(1)
    write(module.guidance_file, text)
    with pytest.raises(TitoError, match=said) as fault:
        curriculum.guidance(module)
    assert "guidance.toml" in fault.value.message
