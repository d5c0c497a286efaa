"""What holds for a guest in every tier: answers, ends, places, prints, bounded sizes."""

from __future__ import annotations

import builtins
import time

import numpy as np
import pytest

from tito.sandbox.conversation import GuestLost, Proxy, UnusableResult, is_remote


def lost(ask) -> GuestLost:
    with pytest.raises(GuestLost) as caught:
        ask()
    return caught.value


def test_values_come_back(guest_of):
    guest = guest_of()
    assert guest.value("[1, 2.5, 'x', np.float32(3)]", "import numpy as np") == [1, 2.5, "x", 3.0]


def test_a_hundred_megabytes_there_and_back(guest_of):
    guest = guest_of()
    guest.run("def same(x): return x")
    array = np.arange(100 << 17, dtype=np.float64)  # 100 MB
    begun = time.perf_counter()
    back = guest.request("begin", ["same"], 0)["same"](array)
    assert np.array_equal(back, array)
    assert time.perf_counter() - begun < 30  # quadratic copying took minutes


@pytest.mark.parametrize(
    ("expression", "needs"),
    [
        ("range(2 * 10**7)", ""),
        ("[[] for _ in range(600_000)]", ""),
        ("[np.zeros(1 << 23)] * 16", "import numpy as np"),
        ("{n * (2**61 - 1) for n in range(5_000)}", ""),
        ("[(1,) * 1000] * 1000", ""),
    ],
)
def test_what_is_too_large_costs_neither_time_nor_memory(guest_of, expression, needs):
    guest = guest_of()
    begun = time.perf_counter()
    try:
        value = guest.value(expression, needs or "pass")
    except GuestLost as loss:
        value = loss
    except Exception as error:
        assert is_remote(error) and error.type_name == "TooLarge"
        value = error
    assert isinstance(value, Proxy | GuestLost | ValueError)
    assert time.perf_counter() - begun < 30


def test_a_timeout_names_the_place(guest_of):
    guest = guest_of(exercise_seconds=0.5)
    loss = lost(lambda: guest.run("x = 1\nwhile x:\n    pass"))
    assert (loss.kind, loss.place) in [("timeout", (1, 2)), ("timeout", (1, 3))]
    assert "0.5 s" in loss.reason
    assert loss.message.code == "sandbox.timeout"


def test_processor_time_is_a_limit_of_its_own(guest_of):
    guest = guest_of(cpu_seconds=1.0)
    loss = lost(lambda: guest.run("while True:\n    pass"))
    assert (loss.kind, loss.place) == ("cpu", (1, 2)) or (loss.kind, loss.place) == ("cpu", (1, 1))


def test_sleep_is_no_processor_time(guest_of):
    guest = guest_of(cpu_seconds=1.0)
    guest.run("import time\ntime.sleep(1.5)")
    assert guest.value("1 + 1") == 2


def test_each_clock_gives_new_processor_time(guest_of):
    guest = guest_of(cpu_seconds=1.0)
    burn = "import time\nend = time.process_time() + 0.7\nwhile time.process_time() < end: pass"
    for _ in range(3):
        guest.clock(20.0, 1.0)
        guest.run(burn)
    assert guest.value("1 + 1") == 2


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ("import os; os.abort()", "an abort"),
        ("import ctypes; ctypes.string_at(0)", "a segmentation fault"),
        ("import os; os._exit(3)", "exit code 3"),
        ("import os; os._exit(0)", "ended the Python process"),
        ("import os, signal; os.kill(os.getpid(), signal.SIGKILL)", "it was killed"),
    ],
)
def test_how_it_ended_is_told(guest_of, body, words):
    loss = lost(lambda: guest_of().run(body))
    assert loss.kind == "crash" and words in loss.reason


def test_a_crash_names_the_place(guest_of):
    loss = lost(lambda: guest_of().run("import os\nx = 3\nos.abort()"))
    assert loss.place == (1, 3)


def test_a_lost_guest_stays_lost_for_the_first_reason(guest_of):
    guest = guest_of()
    first = lost(lambda: guest.run("import os; os._exit(3)"))
    assert lost(lambda: guest.run("x = 1")) is first


def test_prints_are_kept_cleaned_and_bounded(guest_of):
    guest = guest_of()
    guest.run("print('before')")
    mark = guest.guest.mark
    guest.run(r"print('a\x1b[2J\x1b]0;t\x07b\x07'); import os; os.system('true')")
    guest.run("import sys; print('last', end=''); sys.stderr.write('!')")
    assert guest.guest.output_since(mark).split() == ["ab", "last!"]
    mark = guest.guest.mark
    guest.run("for _ in range(100_000): print('x' * 99)")
    assert 4000 < len(guest.guest.output_since(mark)) <= 4096


def test_prints_do_not_show_the_stack_of_a_timeout(guest_of):
    guest = guest_of(exercise_seconds=0.5)
    lost(lambda: guest.run("print('here')\nwhile True: pass"))
    assert guest.guest.output_since(0) == "here\n"


EXCEPTIONS = [
    name
    for name, kind in vars(builtins).items()
    if isinstance(kind, type) and issubclass(kind, Exception)
]


def test_every_builtin_exception_comes_over(local_guest):
    guest = local_guest()
    for name in EXCEPTIONS:
        kind = getattr(builtins, name)
        source = f"class E({name}):\n    def __init__(s): pass\n    def __str__(s): return 'why'\n"
        if issubclass(kind, ExceptionGroup):
            source += "    def __new__(c): return super().__new__(c, 'x', [ValueError()])\n"
        with pytest.raises(kind) as caught:
            guest.run(source + "raise E")
        assert (caught.value.type_name, str(caught.value)) == ("E", "why")
        assert is_remote(caught.value) and caught.value.frames


@pytest.mark.parametrize(
    ("raising", "kind", "message"),
    [
        ("b'\\xff'.decode()", UnicodeDecodeError, "can't decode byte 0xff"),
        ("'\\ud800'.encode()", UnicodeEncodeError, "surrogates not allowed"),
        ("raise ExceptionGroup('many', [ValueError('a')])", ExceptionGroup, "many (1 sub-exc"),
        ("{}['key']", KeyError, "'key'"),
        ("raise ValueError('\\ud800\\x1b[2Jend')", ValueError, "\ufffdend"),
        ("raise SystemExit(3)", RuntimeError, "3"),
        ("open('/nowhere/x')", FileNotFoundError, "No such file"),
    ],
)
def test_exceptions_keep_class_and_message(local_guest, raising, kind, message):
    with pytest.raises(kind) as caught:
        local_guest().run(raising)
    assert message in str(caught.value)


def test_what_is_too_large_is_said_by_code_and_data(local_guest):
    guest = local_guest()
    for expression, said in {
        "[0] * 600_000": "items, too large to be checked",
        "b'x' * (200 << 20)": "200 MB, too large to be checked",
        "'x' * (20 << 20)": "20 MB, too large to be checked",
    }.items():
        with pytest.raises(ValueError) as caught:
            guest.value(expression)
        assert said in str(caught.value.explained)
    with pytest.raises(RuntimeError) as caught:
        guest.run("class TooLarge(RuntimeError): pass\nraise TooLarge('as you like')")
    assert caught.value.explained is None


def test_a_fault_of_ours_is_no_error_of_the_learners(local_guest):
    guest = local_guest()
    guest.run("def f(x): return x")
    function = guest.request("begin", ["f"], 0)["f"]
    with pytest.raises(UnusableResult) as caught:
        function(object())
    assert not is_remote(caught.value)
    assert not isinstance(caught.value, (TypeError, ValueError, RuntimeError))


def test_only_numpy_and_the_standard_library_can_be_imported(guest_of):
    guest = guest_of()
    guest.run("import sys\nsys.meta_path.pop(0)")
    for name in ("tinytorch", "tinytorch.core.tensor", "tito", "click", "tito.curriculum"):
        with pytest.raises(ModuleNotFoundError):
            guest.run(f"import {name}")
    guest.run("import numpy.fft, numpy.polynomial, zipfile, xml.dom")


def test_bounds_of_memory_and_files(guest_of):
    guest = guest_of(megabytes=1024, file_megabytes=8)
    with pytest.raises(MemoryError):
        guest.run("x = bytearray(2 << 30)")
    with pytest.raises(OSError):
        guest.run("open('big', 'wb').write(bytes(9 << 20))")
    assert guest.value("1 + 1") == 2


def test_homes_are_modules_of_their_own(guest_of):
    guest = guest_of()
    guest.fresh(["tinytorch.core.one", "tinytorch.core.two"])
    guest.run("import math\nx = 1\n_y = 2\ndef where(): return __name__", "tinytorch.core.one")
    guest.run("from tinytorch.core.one import x\nz = x + 1", "tinytorch.core.two")
    known = ["x", "_y", "z", "math", "where", "extra"]
    assert guest.value("(x, _y, z, math.floor(1.5), where())") == (1, 2, 2, 1, "tinytorch.core.one")
    guest.run("extra = 5")
    with pytest.raises(NameError, match="extra"):
        guest.run("extra + 1", "tinytorch.core.one")
    with pytest.raises(NameError, match="z"):
        guest.run("z + 1", "tinytorch.core.one")
    assert set(guest.request("known", known)) == set(known)
    guest.run(
        "import sys\none = sys.modules['tinytorch.core.one']\n"
        "parts = (one.__package__, one.__spec__.name, one.__name__, __name__, type(one).__name__)"
    )
    assert guest.request("known", ["parts"])["parts"] == (
        "tinytorch.core", "tinytorch.core.one", "tinytorch.core.one", "__main__", "module",
    )  # fmt: skip


def test_names_are_shown_as_they_are_now(guest_of):
    guest = guest_of()
    guest.fresh(["a.b"])
    guest.run("flag = 1\ndef turn():\n    global flag\n    flag = 2", "a.b")
    guest.request("begin", ["turn"], 0)["turn"]()
    assert guest.request("known", ["flag"]) == {"flag": 2}
    guest.run("flag = 7")
    assert guest.request("known", ["flag"]) == {"flag": 7}


def test_a_fresh_start_forgets_everything(guest_of):
    guest = guest_of()
    guest.fresh(["a.b"])
    guest.run("x = 1", "a.b")
    guest.fresh(["a.b"])
    assert guest.request("known", ["x"]) == {}
    with pytest.raises(NameError):
        guest.run("x", "a.b")
