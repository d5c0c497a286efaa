"""Lines that fit a terminal: nothing that is to be copied is broken."""

from __future__ import annotations

import re

import pytest

from tito.cli.markdown import from_markdown
from tito.cli.rendering import complain, table, wrapped


@pytest.mark.parametrize("columns", [60, 80])
def test_a_last_command_and_a_path_stay_whole(monkeypatch, columns):
    monkeypatch.setenv("COLUMNS", str(columns))
    path = "/home/someone/a/folder/that/is/deep/and/has/a-name-with-hyphens/notebook.ipynb"
    text = (
        "13 more modules come in one of the later releases of this course: tito module list\n"
        f"Your file, which you will find and open in any editor: {path}"
    )
    lines = wrapped(text).splitlines()
    assert "tito module list" in lines[1]
    assert lines[-1] == path
    assert all(len(line) <= columns for line in lines[:-1])
    assert " ".join(lines) == text.replace("\n", " ")


def test_short_lines_and_their_spaces_stay_as_they_are(monkeypatch):
    monkeypatch.setenv("COLUMNS", "60")
    text = "  cd  somewhere\n\n    tito setup"
    assert wrapped(text) == text


def test_markdown_is_rendered(monkeypatch):
    monkeypatch.setenv("COLUMNS", "60")
    shown = from_markdown("# Title\n\nSome **bold** words and `code`.\n\n```\n+--+\n```\n")
    assert re.search(r"\bSome bold words and code\.", shown)
    assert "**" not in shown and "```" not in shown and "#" not in shown


@pytest.mark.parametrize(("name", "value"), [("NO_COLOR", "1"), ("TERM", "dumb")])
def test_no_styles_where_none_are_wanted(monkeypatch, name, value):
    written: list[str] = []
    monkeypatch.setattr("click.echo", lambda text, err=False: written.append(text))
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.delenv("NO_COLOR", raising=False)
    complain("Wrong.")
    assert "\x1b[" in written[0]
    monkeypatch.setenv(name, value)
    complain("Wrong.")
    assert written[1] == "Error: Wrong."


def test_a_table_crops_nothing(monkeypatch, capsys):
    monkeypatch.setenv("COLUMNS", "60")
    path = "/home/someone/.venv/lib/python3.12/site-packages/tinytorch/core/tensor.py"
    table(["What", "Found"], [("import tinytorch", path)])
    assert path in "".join(capsys.readouterr().out.split()).replace("importtinytorch", "")


def test_formulas_are_plain_text_and_their_signs_no_markdown(monkeypatch):
    monkeypatch.setenv("COLUMNS", "60")
    shown = from_markdown("The rule $w_i \\leftarrow w_i - \\eta\\,g_i * 2 * g_j$ holds.\n")
    assert shown.strip() == "The rule w_i ← w_i - η g_i * 2 * g_j holds."


def test_a_line_of_code_is_never_wrapped(monkeypatch):
    monkeypatch.setenv("COLUMNS", "40")
    shown = from_markdown(f"```\nab {'-' * 50}\ncd\n```\n\n```python\nx = {'1' * 50}\n```\n")
    plain = re.sub(r"\x1b\[[0-9;]*m", "", shown)
    lines = [line.rstrip() for line in plain.splitlines() if line.strip()]
    assert lines == [f"ab {'-' * 36}…", "cd", f"x = {'1' * 35}…"]
