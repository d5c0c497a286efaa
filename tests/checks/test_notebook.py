"""Test cells in a real kernel, and in IPython in a terminal."""

from __future__ import annotations

import os
import queue
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
from jupyter_client.manager import start_new_kernel

from tito.checks.notebook import Standing, TestCells, exercises_tested
from tito.checks.unrun import Unrun, UnrunCells

ROOT = Path(__file__).parents[2]
SETUP = "import numpy as np\nfrom tito.checks import check, probe"
TEST_CELL = """
def test_toy_relu():
    check.close(relu(np.array([-1.5, 0.25, 2])), [0, 0.25, 2], given="relu([-1.5, 0.25, 2])",
                because="negative values are cut off")

test_toy_relu()
"""


class Kernel:
    """A notebook's kernel, seen as a front end sees it."""

    def __init__(self):
        self.manager, self.client = start_new_kernel(
            env={**os.environ, "PYTHONPATH": str(ROOT)},
            extra_arguments=["--IPKernelApp.log_level=50"],
        )

    def run(self, source):
        """What a cell shows: {"stream": text, "html": [...], "plain": [...], "error": lines}."""
        request = self.client.execute(source)
        shown = {"stream": "", "html": [], "plain": [], "error": []}
        while True:
            try:
                message = self.client.get_iopub_msg(timeout=60)
            except queue.Empty:
                raise AssertionError(f"the kernel says no more about {source!r}") from None
            if message["parent_header"].get("msg_id") != request:
                continue
            content, kind = message["content"], message["msg_type"]
            if kind == "status" and content["execution_state"] == "idle":
                return shown
            self._keep(shown, kind, content)

    @staticmethod
    def _keep(shown, kind, content):
        if kind == "stream":
            shown["stream"] += content["text"]
        elif kind == "display_data":
            shown["html"].append(content["data"].get("text/html", ""))
            shown["plain"].append(content["data"]["text/plain"])
        elif kind == "error":
            shown["error"] += content["traceback"]

    def stop(self):
        self.client.stop_channels()
        self.manager.shutdown_kernel(now=True)


@pytest.fixture(scope="module")
def kernel():
    started = Kernel()
    assert started.run(SETUP) == {"stream": "", "html": [], "plain": [], "error": []}
    yield started
    started.stop()


def test_a_pass_is_one_line(kernel):
    kernel.run("def relu(x):\n    return np.maximum(x, 0)")
    assert kernel.run(TEST_CELL) == {
        "stream": "✓ toy_relu\n",
        "html": [],
        "plain": [],
        "error": [],
    }


def test_a_failure_is_a_panel_without_traceback(kernel):
    kernel.run("helper = 3\ndef relu(x):\n    return -np.maximum(x, 0)")
    shown = kernel.run(TEST_CELL)
    (page,), (text,) = shown["html"], shown["plain"]
    assert shown["error"] == ["✗ toy_relu"] and shown["stream"] == ""
    assert page.startswith("<section") and "Traceback" not in page + text
    lines = [line.split(maxsplit=1) for line in text.splitlines()]
    assert ["INPUT", "relu([-1.5, 0.25, 2])"] in lines
    assert ["WHY", "negative values are cut off"] in lines
    assert ["HINT", "Every value has the wrong sign."] in lines
    assert "return -np.maximum(x, 0)" in text and "line 3 of the cell with relu" in text


def test_with_several_returns_the_function_is_named(kernel):
    kernel.run("def relu(x):\n    if x is None:\n        return 0\n    return -x")
    (text,) = kernel.run(TEST_CELL)["plain"]
    assert "def relu(x):" in text and "line 1 of the cell with relu" in text


def test_a_return_of_an_inner_function_is_not_the_line(kernel):
    kernel.run("def relu(x):\n    def inner():\n        return -x\n    return inner()")
    (text,) = kernel.run(TEST_CELL)["plain"]
    assert "line 4 of the cell with relu" in text and "return inner()" in text


TENSOR_TEST = """
def test_tensor_as_array():
    check.equal(as_array(3), 7, given="as_array(3)")

test_tensor_as_array()
"""


def test_without_a_hint_of_its_own_a_panel_says_where_more_is_told(kernel):
    kernel.run("def as_array(x):\n    return 'none of these'")
    shown = kernel.run(TENSOR_TEST)
    assert shown["error"] == ["✗ as_array"]
    assert " ".join(shown["plain"][0].split()).endswith(
        "HINT Save, and `tito test as_array` in a terminal says more; or ask: `tito hint as_array`"
    )


@pytest.mark.parametrize("source", ["def relu(x:\n    return x", "def relu(x): pass\n1 / 0"])
@pytest.mark.parametrize("before", ["np.maximum(x, 0)", "-x"])
def test_a_cell_that_failed_is_named_and_what_ran_before_is_not_judged(kernel, before, source):
    kernel.run(f"def relu(x):\n    return {before}")
    kernel.run(source)
    shown = kernel.run(TEST_CELL)
    (text,) = shown["plain"]
    assert "The cell with relu did not run to its end" in text and "TO DO" in text
    assert ("(line 1)" in text) == (source.startswith("def relu(x:"))
    assert "✓" not in shown["stream"] and "GOT" not in text
    kernel.run("def relu(x):\n    return np.maximum(x, 0)")
    assert kernel.run(TEST_CELL)["stream"] == "✓ toy_relu\n"


def test_a_failed_cell_is_known_by_its_id_where_the_test_does_not_name_what_it_defines():
    unrun = UnrunCells()
    failed = SimpleNamespace(error_before_exec=SyntaxError("bad"), error_in_exec=None)
    unrun.keep("toy_add", "def __add__(self:", failed)
    assert unrun.among(["toy_add"]) == Unrun("__add__", "SyntaxError: bad (line None)")
    unrun.keep("cell-7", "1 +", failed)
    assert unrun.among(["cell-7"]) is None
    passed = SimpleNamespace(error_before_exec=None, error_in_exec=None)
    unrun.keep("toy_add", "def __add__(self, other): pass", passed)
    assert unrun.among(["toy_add", "__add__"]) is None


def test_a_test_that_is_stopped_says_so_and_where(kernel):
    kernel.run("def relu(x):\n    raise KeyboardInterrupt")
    shown = kernel.run(TEST_CELL)
    (text,) = shown["plain"]
    assert shown["error"] == ["✗ toy_relu"]
    assert "Stopped by you while toy_relu was being checked." in text
    assert "line 2 of the cell with relu" in text and "Traceback" not in text


def test_an_unsolved_exercise_is_said_calmly(kernel):
    kernel.run(
        "def relu(x):\n    # YOUR CODE HERE\n"
        '    raise NotImplementedError("Exercise toy_relu (Module 01 (Toy)) is not solved yet.")'
    )
    shown = kernel.run(TEST_CELL)
    assert shown["error"] == ["○ toy_relu"] and len(shown["plain"]) == 1
    assert "This exercise is not solved yet." in shown["plain"][0]
    assert "YOUR CODE HERE" in shown["plain"][0]


def test_an_error_in_the_learners_code_names_their_line(kernel):
    kernel.run("def relu(x):\n    y = 1\n    return max(x, 0)")
    (text,) = kernel.run(TEST_CELL)["plain"]
    assert "ValueError: The truth value" in text and "return max(x, 0)" in text
    assert "line 3 of the cell with relu" in text and "np.maximum" in text
    assert "relu(np.array([-1.5, 0.25, 2]))" in text


def test_a_cell_that_was_not_run_is_named(kernel):
    kernel.run("del relu")
    (text,) = kernel.run(TEST_CELL)["plain"]
    assert "The test needs relu" in text and "Run the cell that defines relu" in text


def test_what_was_printed_is_shown_and_still_printed(kernel):
    kernel.run("def relu(x):\n    print(np.maximum(x, 0).tolist())")
    shown = kernel.run(TEST_CELL)
    assert shown["stream"] == "[0.0, 0.25, 2.0]\n"
    assert "PRINTED" in shown["plain"][0] and "was printed, but not returned" in shown["plain"][0]


def test_a_learners_own_errors_are_left_alone(kernel):
    kernel.run(TEST_CELL)
    shown = kernel.run("def own():\n    return 1 / 0\nown()")
    text = "\n".join(shown["error"])
    assert "Traceback" in text and "ZeroDivisionError" in text and shown["plain"] == []
    shown = kernel.run("1 +")
    assert "SyntaxError" in "\n".join(shown["error"])


def test_a_test_called_again_by_hand_shows_its_panel(kernel):
    kernel.run("def relu(x):\n    return x")
    kernel.run(TEST_CELL)
    shown = kernel.run("test_toy_relu()")
    assert shown["error"] == ["✗ toy_relu"] and len(shown["plain"]) == 1


def test_magics_and_the_output_stream_are_left_as_they_were(kernel):
    kernel.run(TEST_CELL)
    shown = kernel.run("%time\nimport sys; print(type(sys.stdout).__name__)")
    assert shown["stream"].splitlines()[-1] == "OutStream" and shown["error"] == []


TERMINAL = """
from IPython.core.interactiveshell import InteractiveShell
shell = InteractiveShell.instance(colors="nocolor")
for cell in CELLS:
    shell.run_cell(cell)
"""


def test_ipython_in_a_terminal_prints_the_text():
    cells = [SETUP, "def relu(x):\n    return x", TEST_CELL, "def own(): 1 / 0\nown()"]
    run = subprocess.run(
        [sys.executable, "-c", f"CELLS = {cells!r}{TERMINAL}"],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=True,
    )
    before, after = run.stdout.split("ZeroDivisionError", 1)
    assert "✗ toy_relu" in before and "INPUT" in before
    assert "Traceback" not in before.split("✗ toy_relu")[1].split("HINT")[0] and after


def test_points_come_from_the_curriculum(capsys):
    class Info:
        raw_cell = TEST_CELL

    class Result:
        success = True

    class Shell:
        custom_exceptions, CustomTB = (), None

        def set_custom_exc(self, kinds, handler):
            self.custom_exceptions = kinds

    cells = TestCells(Shell(), lambda name: Standing(name.removeprefix("toy_"), 7, 12, "01"))
    for _ in range(2):
        cells.before(Info)
        assert cells.shell.custom_exceptions == (Exception, KeyboardInterrupt)
        cells.after(Result)
    assert capsys.readouterr().out == "✓ relu 7/7 · 1 of 12\n" * 2
    assert cells.shell.custom_exceptions == ()


def test_a_test_of_the_whole_module_says_how_to_complete_it(kernel):
    kernel.run("def as_array(x):\n    return 7")
    kernel.run(TENSOR_TEST)
    shown = kernel.run("def test_module():\n    test_tensor_as_array()\n\ntest_module()")
    assert shown["stream"] == "✓ All passed here. Save, then: tito module complete 01\n"


@pytest.mark.parametrize(
    ("source", "names"),
    [
        (TEST_CELL, ["toy_relu"]),
        ("test_toy_relu()", []),
        ("def test_a(): pass", []),
        ("def helper(): pass\nhelper()", []),
        ("%timeit x", []),
        ("", []),
    ],
)
def test_only_cells_with_a_test_count(source, names):
    assert list(exercises_tested(source)) == names
