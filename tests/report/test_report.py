"""One panel, shown as text and as HTML."""

from __future__ import annotations

from html.parser import HTMLParser
from types import SimpleNamespace

import pytest

from tito.messages import Message, english
from tito.report import Panel, Row, as_html, as_text, failure_panel

FAILURE = SimpleNamespace(
    reason=Message("check.length", place=Message("check.result"), got=3, expected=4),
    kind="check",
    given="f([1, 2])",
    expected="<b>4</b> & more",
    got="3",
    because="one for each",
    printed="a\nb\n",
    where="module.ipynb, cell 3, line 2",
    line_text="    def f(x):",
    hint=Message("pattern.no_return"),
)


class Reader(HTMLParser):
    """Collects the tags and the text, and notices a tag that is not closed."""

    def __init__(self, page):
        super().__init__()
        self.open, self.tags, self.text = [], [], ""
        self.feed(page)

    def handle_starttag(self, tag, attributes):
        self.tags.append((tag, dict(attributes)))
        if tag != "br":
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.text += data


def test_rows_stand_in_order_and_empty_ones_are_left_out():
    panel = failure_panel(FAILURE, english(), "f: failed")
    labels = [row.label for row in panel.rows]
    assert labels == ["INPUT", "EXPECTED", "GOT", "WHY", "PRINTED", "YOUR CODE", "HINT"]
    assert panel.lead == "The result has length 3, but length 4 is expected."
    assert dict((row.label, row.text) for row in panel.rows)["YOUR CODE"] == (
        "module.ipynb, cell 3, line 2\ndef f(x):"
    )


def test_equal_lines_in_a_row_are_counted():
    failure = SimpleNamespace(reason=FAILURE.reason, printed="x\n" * 15 + "y\nx\n\n")
    (row,) = failure_panel(failure, english()).rows
    assert row.text == "x (15 times)\ny\nx"


@pytest.mark.parametrize(
    ("changes", "label"),
    [({"kind": "error"}, "YOUR LINE"), ({"line_text": ""}, "WHERE"), ({}, "YOUR CODE")],
)
def test_the_place_says_what_it_is(changes, label):
    failure = SimpleNamespace(**{**vars(FAILURE), **changes})
    assert label in [row.label for row in failure_panel(failure, english()).rows]


def test_a_changed_argument_shows_before_and_after():
    failure = SimpleNamespace(reason="Changed.", before="[1]", after="[2]")
    rows = failure_panel(failure, english()).rows
    assert [(row.label, row.text) for row in rows] == [("BEFORE", "[1]"), ("AFTER", "[2]")]


def test_help_is_named_where_there_is_no_hint():
    failure = SimpleNamespace(reason="No.", hint=None)
    (row,) = failure_panel(failure, english(), help_command="tito module hint 01 f").rows
    assert (row.label, row.text) == ("HINT", "ask for one: tito module hint 01 f")
    assert failure_panel(failure, english()).rows == ()


def test_labels_and_sentences_come_from_the_wording():
    german = english().replaced_by({"label.got": "ERHALTEN", "check.result": "Das Ergebnis"})
    panel = failure_panel(FAILURE, german)
    assert "ERHALTEN" in as_text(panel) and panel.lead.startswith("Das Ergebnis")


@pytest.mark.parametrize("width", [60, 80, 100])
def test_text_keeps_to_its_width(width):
    rows = (Row("HINT", "many words " * 30), Row("INPUT", "x = [1,\n     2]", True))
    lines = as_text(Panel("title", "lead " * 40, rows), width).splitlines()
    assert max(map(len, lines)) <= width and lines[0] == "title"
    assert lines[-1] == "              2]"


def test_text_never_breaks_a_command():
    command = "tito/" + "x" * 90
    assert command in as_text(Panel("", "Run:", (Row("TO DO", f"now {command} please"),)), 60)


def test_html_is_escaped_and_whole():
    page = as_html(failure_panel(FAILURE, english(), "<script>alert(1)</script>"))
    reader = Reader(page)
    names = {tag for tag, _ in reader.tags}
    assert reader.open == [] and names <= {
        "section",
        "p",
        "table",
        "tbody",
        "tr",
        "th",
        "td",
        "code",
    }
    assert "<b>4</b> & more" in reader.text and "<script>" in reader.text
    assert "src=" not in page and "href=" not in page and "url(" not in page


def test_html_is_accessible():
    reader = Reader(as_html(failure_panel(FAILURE, english(), "f: failed")))
    assert reader.tags[0][0] == "section" and reader.tags[0][1]["aria-label"] == "f: failed"
    headers = [attributes for tag, attributes in reader.tags if tag == "th"]
    assert headers and all(header["scope"] == "row" for header in headers)


def test_quoted_code_in_prose_is_set_as_code():
    page = as_html(Panel("t", "Use `a < b`.", (Row("GOT", "`x`", True),)))
    assert "<code>a &lt; b</code>" in page and "`x`" in page


def test_long_words_are_broken_in_code_alone():
    row = Row("YOUR LINE", "x" * 100, is_code=True)
    prose = Row("HINT", "y" * 100)
    shown = as_text(Panel("", "", (row, prose)), 60).splitlines()
    assert max(len(line) for line in shown if "x" in line) == 60
    assert next(line for line in shown if "y" in line).endswith("y" * 100)


@pytest.mark.parametrize("width", range(40, 70))
def test_a_name_and_its_number_in_brackets_stay_together(width):
    row = Row(
        "YOUR CODE", "modules/01_number.ipynb, exercise number_double (cell 13), line 27", True
    )
    assert "(cell 13)" in as_text(Panel("", "", (row,)), width)
