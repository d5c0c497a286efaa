"""Whatever a learner's code does: never a pass it did not earn, never a hang, always a reason."""

from __future__ import annotations

import os

import numpy as np
import pytest
from attacking import attack, kind, others, posix


@posix
@pytest.mark.parametrize(
    "body",
    ["import os\nos.abort()", "import ctypes\nctypes.string_at(0)"],
    ids=["abort", "segmentation fault"],
)
def test_crash_in_a_call_names_the_line(bench, body):
    report = attack(bench, body)
    assert kind(report) == "crash"
    assert "crashed the Python process" in str(report.results[1].failure.reason)
    assert report.results[1].failure.line_text == body.splitlines()[1]
    assert others(report) == ["passed", "passed"]


@pytest.mark.parametrize("place", ["body", "before"])
def test_os_exit_is_not_success(bench, place):
    report = attack(bench, **{place: "import os; os._exit(0)"})
    assert kind(report) == "crash"
    assert others(report) == ["passed", "passed"]


@pytest.mark.parametrize("place", ["body", "before"])
@pytest.mark.parametrize("text", ["import sys; sys.exit(0)", "raise SystemExit", "exit()"])
def test_leaving_by_exception_is_not_success(bench, place, text):
    report = attack(bench, **{place: text})
    assert kind(report) == "error"
    assert others(report) == ["passed", "passed"]


@pytest.mark.parametrize("place", ["body", "before"])
def test_endless_loop_ends_and_names_the_line(bench, place):
    report = attack(
        bench,
        **{place: "while True: pass"},
        limits={"load_seconds": 1.0, "exercise_seconds": 0.5},
    )
    assert kind(report) == "timeout"
    assert report.results[1].failure.line_text == "while True: pass"
    assert others(report) == ["passed", "passed"]


def test_endless_iteration_ends(bench):
    cells = bench.solve(
        "toy_grow",
        "#| export\nimport itertools\ndef grow(box, times):\n    return itertools.repeat(box)\n",
    )
    assert bench.judge(cells).results[2].status == "failed"


def test_every_exercise_endless_is_bounded(bench):
    cells = bench.cells
    for name in ("toy_add", "toy_mean", "toy_grow"):
        source = f"#| export\ndef {name[4:]}(*args):\n    while True: pass\n"
        cells = bench.solve(name, source, cells)
    report = bench.judge(cells, limits={"exercise_seconds": 0.3, "deaths": 2})
    assert [r.failure.kind for r in report.results] == ["timeout", "timeout", "crash"]
    assert "Not judged" in str(report.results[2].failure.reason)


@pytest.mark.parametrize(
    "text",
    [
        "print('PASSED 10/10')",
        "import sys; sys.__stdout__.write('{\"passed\": true}\\n' * 100); sys.__stdout__.flush()",
        "import os; os.write(1, b'[\"v\",3.0]')",
        "import os; os.system('echo PASSED')",
        "import os, sys; sys.stdout = os.fdopen(1, 'w'); print('PASSED', flush=True)",
    ],
)
@pytest.mark.parametrize("place", ["body", "before"])
def test_output_is_not_a_verdict(bench, text, place):
    report = attack(bench, **{place: text + ("\nreturn 7.0" if place == "body" else "")})
    assert kind(report) == "check"
    assert others(report) == ["passed", "passed"]


SPRAY = """
import os
for fd in range({count}):
    try:
        os.write(fd, b'\\x06\\x00\\x00\\x00\\x00\\x00\\x00\\x00["v",3]' * 20)
    except OSError:
        pass
"""


@pytest.mark.parametrize("count", [21, 400])
@pytest.mark.parametrize("place", ["body", "before"])
def test_writing_to_every_descriptor(bench, count, place):
    text = SPRAY.format(count=count).strip()
    report = attack(bench, **{place: text + ("\nreturn 7.0" if place == "body" else "")})
    assert others(report) == ["passed", "passed"]


@pytest.mark.parametrize("start", [0, 3])
def test_closing_the_channel(bench, start):
    report = attack(bench, f"import os\nos.closerange({start}, 1000)\nreturn 3.0")
    assert kind(report) == "crash"
    assert others(report) == ["passed", "passed"]


def test_reading_the_channel(bench):
    attack(
        bench,
        "import os\nfor fd in range(3, 300):\n    try: os.read(fd, 9)\n"
        "    except OSError: pass\nreturn 7.0",
        limits={"exercise_seconds": 0.4},
    )


PATCHES = [
    "np.allclose = np.array_equal = np.isclose = lambda *a, **k: True",
    "np.testing.assert_allclose = np.testing.assert_array_equal = lambda *a, **k: None",
    "np.abs = np.asarray = np.argwhere = lambda *a, **k: np.zeros(())",
    "np.random.get_state = lambda *a: 'nonsense'",
    "import builtins; builtins.AssertionError = ValueError",
    "import builtins; builtins.isinstance = lambda *a: True; builtins.all = lambda *a: True",
    "import builtins; builtins.float = lambda *a: 3.0; builtins.bool = lambda *a: True",
    "isinstance = all = any = bool = lambda *a: True",
    "import sys, types; sys.modules['tito.judge'] = sys.modules['tito'] = types.ModuleType('x')",
    "import sys; sys.modules['json'] = None",
    "import json; json.dumps = json.loads = json.JSONEncoder.encode = lambda *a: '[\"v\",3]'",
    "import json.encoder; json.encoder.encode_basestring_ascii = lambda s: '3'",
    "import struct; struct.pack = struct.unpack = lambda *a: b''",
    "import os; os.write = os.read = lambda *a: b''",
    "import sys; sys.settrace(lambda *a: None); sys.setprofile(lambda *a: None)",
    "import sys; sys.excepthook = lambda *a: None; import atexit; atexit.register(print, 'ok')",
    "import operator; operator.eq = lambda *a: True",
    "check = probe = lambda *a, **k: None",
    "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN)",
]


@pytest.mark.parametrize("patch", PATCHES)
def test_patching_the_tools(bench, patch):
    attack(bench, before=patch)


TRICKS = {
    "always equal": "class A:\n    def __eq__(s, o): return True\n    __hash__ = None\nreturn A()",
    "always equal data": "class A:\n    def __eq__(s, o): return True\n"
    "class B:\n    data = A()\n    shape = ()\nreturn B()",
    "array protocol": "class A:\n    calls = 0\n    def __array__(s, *a, **k):\n"
    "        A.calls += 1\n        return np.array(float(A.calls))\nreturn A()",
    "float subclass": "class F(float):\n    def __eq__(s, o): return True\n"
    "    def __sub__(s, o): return 0.0\n    __rsub__ = __sub__\nreturn F(7.0)",
    "all operators": "from unittest import mock\nreturn mock.MagicMock()",
    "array subclass": "class A(np.ndarray):\n    def __eq__(s, o): return True\n"
    "    def __sub__(s, o): return 0 * np.asarray(s)\n    __array_priority__ = 9e9\n"
    "    def __array_function__(s, *a, **k): return True\n"
    "    def __array_ufunc__(s, *a, **k): return True\n"
    "return np.array(7.0).view(A)",
    "array of objects": "class A:\n    def __eq__(s, o): return True\n"
    "r = np.empty((), dtype=object)\nr[()] = A()\nreturn r",
    "repr raises": "class A:\n    def __repr__(s): raise KeyboardInterrupt\nreturn A()",
    "repr endless": "class A:\n    def __repr__(s): return 'x' * 10**7\nreturn A()",
    "class lies": "class A:\n    __class__ = float\nreturn A()",
    "getattr lies": "class A:\n    def __getattr__(s, n): return 3.0\nreturn A()",
    "nothing": "return None",
    "text": "return '3.0'",
    "list": "return [3.0]",
    "nan": "return float('nan')",
    "huge int": "return 10 ** 6000",
    "huge list": "return [0] * 3_000_000",
    "nested": "x = []\nfor _ in range(5000): x = [x]\nreturn x",
    "cyclic": "x = []\nx.append(x)\nreturn x",
    "many cycles": "x = []\nx += [x, x]\nreturn x",
    "huge text": "return 'x' * 30_000_000",
    "huge array": "return np.zeros(20_000_000)",
    "array of terabytes": "return np.zeros((1_000_000, 1_000_000))",
    "broadcast array": "return np.broadcast_to(3.0, (100_000, 100_000))",
    "memory hog": "x = []\nwhile True: x.append(bytearray(50_000_000))",
    "recursion": "return mean(a)",
    "lambda": "return lambda: 3.0",
    "exception class": "return AssertionError",
    "surrogates": "return '\\ud800'",
    "keyboard interrupt": "raise KeyboardInterrupt",
    "generator exit": "raise GeneratorExit",
    "stop iteration": "raise StopIteration(3.0)",
    "error without message": "class E(Exception):\n    def __str__(s): raise ValueError\nraise E",
    "error named like ours": "class CheckFailed(AssertionError): pass\nraise CheckFailed('ok')",
    "base exception": "class E(BaseException): pass\nraise E('x')",
    "input": "return float(input())",
}


@pytest.mark.parametrize("trick", TRICKS)
def test_tricky_results(bench, trick):
    report = attack(bench, TRICKS[trick], limits={"megabytes": 1024})
    assert others(report) == ["passed", "passed"]


def test_always_equal_object_in_a_check_of_equality(bench):
    body = "class A:\n    def __eq__(s, o): return True\nreturn A() if a.ndim == 2 else 3.0"
    assert attack(bench, body).results[1].failure.position == 1


def test_recursion_without_limit(bench):
    report = attack(bench, "import sys\nsys.setrecursionlimit(10**9)\nreturn mean(a) + 1")
    assert kind(report) in ("crash", "error", "timeout")  # as the system and Python have it
    assert others(report) == ["passed", "passed"]


@pytest.mark.parametrize("stream", ["print('x' * 10_000)", "import os; os.write(2, b'x' * 65536)"])
def test_output_flood(bench, stream):
    report = attack(bench, f"while True: {stream}", limits={"exercise_seconds": 0.5})
    assert kind(report) == "timeout"


def test_output_flood_before_a_right_answer_costs_nothing(bench):
    body = "#| export\ndef mean(a):\n    print('x' * 5_000_000)\n    return float(np.mean(a))\n"
    assert bench.judge(bench.solve("toy_mean", body)).passed


@posix
def test_reaching_the_judge_through_frames(bench):
    text = (
        "import sys\nframe = sys._getframe()\nwhile frame:\n"
        "    frame.f_globals.clear() if '_guest' in frame.f_globals.get('__name__', '') else 0\n"
        "    frame = frame.f_back"
    )
    attack(bench, before=text)


def test_learner_cannot_import_the_judge(bench):
    report = attack(bench, before="import tito.judge")
    assert "tito is no part of your framework" in str(report.results[1].failure.reason)


def test_learner_sees_no_secrets(bench, monkeypatch):
    monkeypatch.setenv("MY_SECRET_TOKEN", "hunter2")
    report = attack(bench, "import os\nreturn dict(os.environ)")
    assert "hunter2" not in str(report.to_dict())


def test_judging_leaves_nothing_behind(bench):
    before, state = os.getcwd(), np.random.get_state()[1].tolist()
    report = attack(bench, "import os\nopen('litter', 'w').write('x')\nreturn os.getcwd()")
    folder = report.results[1].failure.got.strip("'")
    assert os.path.isabs(folder) and not os.path.exists(folder)
    assert os.getcwd() == before and np.random.get_state()[1].tolist() == state
    assert not os.path.exists("litter")
