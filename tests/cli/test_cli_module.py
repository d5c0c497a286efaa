"""`tito module …` as a learner types it, on the planted curriculum."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

import pytest
from planted import answer, solve, write

WRONG = '#| export\ndef double(x):\n    """Return twice x."""\n    return x * x\n'


def notebook(workspace, number: int = 1) -> Path:
    return workspace.notebook(workspace.curriculum.module(number))


def finish(tito, workspace, number: int = 1) -> None:
    solve(workspace, workspace.curriculum.module(number))
    assert tito("module", "complete", str(number), cwd=workspace.root).exit_code == 0


def test_list_needs_no_workspace(tito, curriculum, tmp_path):
    done = tito("module", "list", cwd=tmp_path)
    assert done.exit_code == 0
    assert "Number" in done.output and "later" in done.output
    rows = json.loads(tito("module", "list", "--json").stdout)
    assert [row["available"] for row in rows] == [True, True, False]
    assert rows[1]["prerequisites"] == [1]


def test_status_follows_the_work(tito, workspace):
    first = tito("module", "status", cwd=workspace.root)
    assert "0 of 2 modules completed" in first.output
    assert "Next: tito module start 01" in first.output
    finish(tito, workspace)
    second = tito("module", "status", cwd=workspace.modules_dir)
    assert "1 of 2 modules completed, 5 points" in second.output
    assert "Next: tito module start 02" in second.output
    data = json.loads(tito("module", "status", "--json").stdout)
    assert data["current"] == "01"
    assert [row["state"] for row in data["modules"]] == ["completed", "ready", "later release"]
    assert data["modules"][0]["completed"]


def test_test_shows_every_exercise_and_the_first_failure(tito, workspace):
    solve(workspace, workspace.curriculum.module(1), number_double=WRONG)
    done = tito("module", "test", "number", cwd=workspace.root)
    assert done.exit_code == 1
    assert "1 of 2 exercises passed, 3 of 5 points." in done.output
    for word in ("failed", "passed", "INPUT", "double(4)", "EXPECTED", "GOT", "16", "WHY",
                 "4 + 4 is 8", "YOUR CODE", "exercise number_double (cell", "return x * x",
                 "HINT"):  # fmt: skip
        assert word in done.output, word
    assert "another operator is meant" in done.output


def test_a_recognised_mistake_gets_its_own_hint(tito, workspace):
    constant = '#| export\ndef double(x):\n    """Return twice x."""\n    return 1\n'
    answer(notebook(workspace), {"number_double": constant})
    done = tito("module", "test", "1", cwd=workspace.root)
    assert "That is a constant; it has to depend on the input." in done.output


def test_test_passes_with_exit_code_0_and_names_the_next_step(tito, workspace):
    solve(workspace, workspace.curriculum.module(1))
    done = tito("module", "test", cwd=workspace.modules_dir)
    assert done.exit_code == 0
    assert "tito module complete 01" in done.output


def test_test_as_json(tito, workspace):
    done = tito("module", "test", "1", "--json", cwd=workspace.root)
    assert done.exit_code == 1
    report = json.loads(done.stdout)
    assert (report["points"], report["max_points"]) == (0, 5)
    assert [r["status"] for r in report["results"]] == ["not started", "not started"]


def test_hint_command_goes_through_three_levels(tito, workspace):
    texts = [tito("module", "hint", "1", cwd=workspace.root).output for _ in range(3)]
    for level, text in enumerate(texts, start=1):
        assert f"number_double: hint {level} of 3" in text
    assert "Nearly number_double." in texts[2]
    assert "last hint" in texts[2]
    named = tito("module", "hint", "1", "value", "--level", "2")
    assert "number_value: hint 2 of 3" in named.output
    assert tito("module", "hint", "1", "--level", "4").exit_code == 2


def test_complete_tells_what_is_unlocked(tito, workspace):
    solve(workspace, workspace.curriculum.module(1))
    done = tito("module", "complete", "1", cwd=workspace.root)
    assert done.exit_code == 0
    assert "Module 01 (Number) is complete: 5 points." in done.output
    assert "tito module start 02" in done.output
    assert "tito milestone run counting --part 1" in done.output
    again = tito("module", "complete", "1")
    assert "complete again" in again.output


def test_complete_refuses_unfinished_work(tito, workspace):
    done = tito("module", "complete", "1", cwd=workspace.root)
    assert done.exit_code == 1
    assert "nothing was exported" in done.output


def test_reset_says_where_the_old_file_is(tito, workspace):
    notebook(workspace).write_text("my work", encoding="utf-8")
    done = tito("module", "reset", "1", "--yes", cwd=workspace.root)
    assert done.exit_code == 0
    (line,) = (line for line in done.output.splitlines() if line.startswith("Kept"))
    kept = workspace.root / line.rsplit(" as ", 1)[1]
    assert kept.read_text(encoding="utf-8") == "my work"


def test_view_shows_the_prose_and_no_solution(tito, curriculum, tmp_path):
    done = tito("module", "view", "1", cwd=tmp_path)
    assert "A number, wrapped – in words." in done.output
    assert "[exercise number_double: 2 points]" in done.output
    assert "2 * x" not in done.output


def test_export_command(tito, workspace):
    done = tito("export", "1", cwd=workspace.root)
    assert done.exit_code == 0
    assert "Not tested, not marked as completed" in done.output
    solve(workspace, workspace.curriculum.module(1))
    again = tito("export")
    assert "What was there before is kept" in again.output


# -- opening a notebook ----------------------------------------------------------------------------


@pytest.fixture
def no_jupyter(monkeypatch):
    monkeypatch.setattr("tito.workspace.lab.jupyterlab_command", lambda: None)


def test_start_without_jupyterlab_says_what_to_do_and_loses_nothing(tito, workspace, no_jupyter):
    done = tito("module", "start", "1", cwd=workspace.root)
    assert done.exit_code == 1
    assert "Your file: modules/01_number/01_number.ipynb" in done.output
    assert f"{sys.executable} -m pip install jupyterlab" in done.output
    data = json.loads(tito("module", "status", "--json").stdout)
    assert data["modules"][0]["state"] == "in progress"
    assert tito("module", "resume", "--no-open").exit_code == 0


def test_start_no_open(tito, workspace):
    done = tito("module", "start", "--no-open", cwd=workspace.root)
    assert done.exit_code == 0
    assert "Your file: modules/01_number/01_number.ipynb" in done.output


LAB = """
import http.server, os, sys, threading
open("started", "a").write(" ".join([*sys.argv[1:], os.environ["JUPYTER_CONFIG_PATH"]]) + "\\n")

class Lab(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        allowed = self.headers["Authorization"] == "token abc"
        self.send_response(200 if allowed else 403)
        self.end_headers()
    def do_POST(self):
        self.do_GET()
        threading.Thread(target=self.server.shutdown).start()
    def log_message(self, *words):
        pass

server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Lab)
print(f"http://localhost:{server.server_port}/lab?token=abc", flush=True)
server.serve_forever()
"""


def jupyter_that(workspace, monkeypatch, code: str) -> list[str]:
    """Let `python -m jupyterlab` be this code; the links that a browser is asked to open."""
    place = workspace.root.parent / "site"
    write(place / "jupyterlab" / "__init__.py", "")
    write(place / "jupyterlab" / "__main__.py", code)
    command = [sys.executable, "-m", "jupyterlab"]
    monkeypatch.setattr("tito.workspace.lab.jupyterlab_command", lambda: command)
    monkeypatch.setenv("PYTHONPATH", str(place))
    links: list[str] = []
    monkeypatch.setattr("webbrowser.open", lambda link: links.append(link) or True)
    return links


def test_one_jupyterlab_serves_the_workspace_until_it_is_closed(tito, workspace, monkeypatch):
    links = jupyter_that(workspace, monkeypatch, LAB)
    monkeypatch.setenv("JUPYTER_CONFIG_PATH", "/elsewhere")
    done = tito("module", "start", "1", cwd=workspace.modules_dir)
    assert done.exit_code == 0, done.output
    assert links[0] in done.output and "tito module close" in done.output
    assert "/lab/tree/modules/01_number/01_number.ipynb?token=abc" in links[0]
    assert tito("module", "resume").exit_code == 0
    assert links == [links[0]] * 2
    started = (workspace.root / "started").read_text(encoding="utf-8").splitlines()
    (options,) = (line.split() for line in started)
    first, *others = options.pop().split(os.pathsep)
    assert others == ["/elsewhere"]
    page = json.loads((Path(first) / "labconfig" / "page_config.json").read_text(encoding="utf-8"))
    assert page["disabledExtensions"] == {"@jupyterlab/apputils-extension:announcements": True}
    assert {"--no-browser", f"--ServerApp.root_dir={workspace.root}"} <= set(options)
    assert "is ended" in tito("module", "close").output
    assert "No JupyterLab" in tito("module", "close").output


def test_a_jupyterlab_that_does_not_start_is_reported(tito, workspace, monkeypatch):
    jupyter_that(workspace, monkeypatch, "raise SystemExit('no port is free')")
    done = tito("module", "start", "1", cwd=workspace.root)
    assert done.exit_code == 1
    assert "no port is free" in done.output


def test_resume_opens_the_module_last_worked_on(tito, workspace):
    finish(tito, workspace)
    tito("module", "start", "2", "--no-open")
    assert "02_sums.ipynb" in tito("module", "resume", "--no-open").output
    tito("module", "test", "1")
    assert "01_number.ipynb" in tito("module", "resume", "--no-open").output


# -- bad input -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("command", "code", "message", "advice"),
    [
        ("module start 9", 2, "no module '9'", "tito module list"),
        ("module test nomber", 2, "Did you mean 'number'?", "tito module list"),
        ("module start 2", 1, "builds on Module 01 (Number)", "tito module start 01"),
        ("module complete 2", 1, "builds on Module 01 (Number)", "tito module start 01"),
        ("module test 2", 1, "Module 01 (Number), not in your package", "tito module complete 01"),
        ("module start 3", 1, "Module 03 (Later) is not in this release", "tito module list"),
        ("module complete later", 1, "not in this release", "tito module list"),
        ("module hint 1 nothing", 2, "no exercise 'nothing'", "number_double, number_value"),
        ("export 3", 1, "not in this release", "tito module list"),
        ("milestone run nothing", 2, "no milestone 'nothing'", "tito milestone list"),
        ("milestone run counting", 1, "needs Module 01 (Number)", "tito module start 01"),
        ("milestone run counting --part 7", 2, "has no part 7", "tito milestone info counting"),
        ("module tset", 2, "tset", "--help"),
        ("setup README.md", 1, "is a file", "tito setup"),
    ],
)
def test_bad_input_is_explained(tito, workspace, command, code, message, advice):
    before = workspace.progress_path.read_bytes()
    done = tito(*command.split(), cwd=workspace.root)
    said = " ".join(done.output.split())
    assert done.exit_code == code, said
    assert message in said
    assert advice in said
    assert "Traceback" not in said
    assert workspace.progress_path.read_bytes() == before


@pytest.mark.parametrize(
    "command",
    ["module status", "module start 1", "module test 1", "module hint 1", "module reset 1 --yes",
     "module complete 1", "module resume", "export 1"],
)  # fmt: skip
def test_outside_a_workspace(tito, curriculum, tmp_path, command):
    done = tito(*command.split(), cwd=tmp_path)
    assert done.exit_code == 1
    assert "No TinyTorch workspace" in done.output
    assert "tito setup" in done.output


@pytest.mark.parametrize("command", ["module test 1", "module complete 1", "export 1"])
@pytest.mark.parametrize("damage", ["not json", '{"cells": 3}', "", "[]"])
def test_damaged_notebook(tito, workspace, command, damage):
    notebook(workspace).write_text(damage, encoding="utf-8")
    done = tito(*command.split(), cwd=workspace.root)
    assert done.exit_code == 1
    assert "01_number.ipynb" in done.output
    assert "tito module reset" in done.output
    assert notebook(workspace).read_text(encoding="utf-8") == damage


def test_removed_cell(tito, workspace):
    solve(workspace, workspace.curriculum.module(1))
    data = json.loads(notebook(workspace).read_text(encoding="utf-8"))
    data["cells"] = [cell for cell in data["cells"] if "def double" not in cell["source"]]
    notebook(workspace).write_text(json.dumps(data), encoding="utf-8")
    done = tito("module", "test", "1", cwd=workspace.root)
    assert done.exit_code == 1
    assert "number_double" in done.output
    assert "reset" in done.output
    assert tito("module", "complete", "1").exit_code == 1
    doctor = tito("system", "doctor")
    assert doctor.exit_code == 1
    assert "number_double" in doctor.output and "missing" in doctor.output


def test_damaged_progress_is_rebuilt_and_said(tito, workspace):
    finish(tito, workspace)
    workspace.progress_path.write_text('{"modules": ', encoding="utf-8")
    done = tito("module", "status", "--json", cwd=workspace.root)
    assert done.exit_code == 0
    assert json.loads(done.stdout)["modules"][0]["state"] == "completed"
    assert "unusable" in done.stderr and "Rebuilt" in done.stderr
    assert "Rebuilt" not in tito("module", "status").output


def test_two_files_of_a_module(tito, workspace):
    script = notebook(workspace).with_suffix(".py")
    write(script, workspace.curriculum.module(1).source.read_text(encoding="utf-8"))
    os.utime(notebook(workspace), (1, 1))
    done = tito("module", "test", "1", cwd=workspace.root)
    assert done.exit_code == 0
    verdict, note = done.output.rsplit("\n", 2)[:2]
    assert note == "Two files: 01_number.py is used, saved after 01_number.ipynb."
    assert "2 of 2 exercises passed" in verdict and "Note" not in done.output


@pytest.mark.parametrize("number", [13, 28, 30])
def test_folder_that_cannot_be_written(tito, workspace, monkeypatch, number):
    def refuse(path, data, *rest, **settings):
        raise OSError(number, os.strerror(number), str(path))

    solve(workspace, workspace.curriculum.module(1))
    monkeypatch.setattr("tito.files._replace", refuse)
    for command in ("module start 1 --no-open", "module complete 1", "module reset 1 --yes"):
        done = tito(*command.split(), cwd=workspace.root)
        assert done.exit_code == 1
        assert os.strerror(number) in done.output
        assert "Traceback" not in done.output
    assert "2 * x" in notebook(workspace).read_text(encoding="utf-8")


@pytest.mark.parametrize("stop", [KeyboardInterrupt, EOFError])
def test_ctrl_c(tito, workspace, monkeypatch, stop):
    def interrupted(*args, **how):
        raise stop

    before = workspace.progress_path.read_bytes()
    monkeypatch.setattr("tito.workspace.testing.judge_work", interrupted)
    done = tito("module", "test", "1", cwd=workspace.root)
    assert done.exit_code == 130
    assert "Stopped" in done.output and "Traceback" not in done.output
    assert workspace.progress_path.read_bytes() == before


def test_a_fault_of_tito_is_called_one(tito, workspace, monkeypatch):
    monkeypatch.setattr("tito.workspace.testing.judge_work", lambda *args, **how: 1 // 0)
    done = tito("module", "test", "1", cwd=workspace.root)
    assert done.exit_code == 1
    assert "tito itself failed (ZeroDivisionError" in done.output
    assert "TITO_DEBUG" in done.output
