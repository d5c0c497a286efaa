"""Attacks on the judge, as data: name → (what stands before the function, its body).

Every one of them answers wrongly and tries to pass, to hang, to outlive its judgement, to take
what is not its own or to spoil what comes after it. Those of ``WALLED`` would do real harm without
a sandbox: they are tried under bubblewrap only.
"""

from __future__ import annotations

from pathlib import Path

WRONG = "return 7.0"
ROOT = Path(__file__).resolve().parents[2]


def before(text: str) -> tuple[str, str]:
    """An attack made when the cell is run."""
    return text, WRONG


def inside(text: str) -> tuple[str, str]:
    """An attack made when the function is called."""
    return "", text


CHILD = "import os, time\nif os.fork() == 0:\n    {then}\n    time.sleep(600)\n    os._exit(0)\n"
# Every object of the guest's machinery can be found: what is done with it must not help.
MACHINERY = (
    "import gc\ndef find(name):\n"
    "    return next(o for o in gc.get_objects() if type(o).__name__ == name)\n"
)

FORGED = "import os\nANSWER = b'\\x07\\0\\0\\0\\0\\0\\0\\0[\"v\",3]'\n"

ANYWHERE: dict[str, tuple[str, str]] = {
    # the reference
    "reference past the finder": before("import sys\nsys.meta_path.pop(0)\nimport tinytorch.core"),
    "reference from site-packages": before("import site; site.main()\nimport tinytorch.core.toy"),
    "importing tito": before("import tito.judge"),
    "importing the checks": before("from tito.checks import check"),
    "importing the sandbox by its inner name": before("import _guest.server"),
    # what the host has to digest
    "a range of millions": inside("return range(2 * 10**7)"),
    "sixteen references to one array": inside("return [np.zeros(1 << 23)] * 16"),
    "colliding members": inside("return {n * (2**61 - 1) for n in range(3_000)}"),
    "colliding keys": inside("return {n * (2**61 - 1): 0 for n in range(3_000)}"),
    "colliding tuples": inside("return {(n * (2**61 - 1),) for n in range(3_000)}"),
    "nested lists": inside("return [[[]]] * 300_000"),
    "an array of zero bytes and huge shape": inside("return np.zeros((0, 1 << 40))"),
    "sixty dimensions": inside("return np.zeros((1,) * 60)"),
    "an endless len": inside("class A:\n    def __len__(s): return 1 << 62\nreturn A()"),
    "a negative len": inside("class A:\n    def __len__(s): return -1\nreturn A()"),
    "an endless iterator": inside("import itertools\nreturn itertools.count()"),
    "an iterator that never answers": inside(
        "class A:\n    def __iter__(s): return s\n    def __next__(s):\n        while True: pass\n"
        "return A()"
    ),
    "a number of a million digits": inside("import sys\nsys.set_int_max_str_digits(0)\n"
                                           "return 10 ** 1_000_000"),
    "a text of surrogates": inside("return '\\ud800' * 100_000"),
    "a class that is everything": inside(
        "class M(type):\n    def __instancecheck__(s, o): return True\n"
        "class A(metaclass=M):\n    __class__ = float\nreturn A()"
    ),
    "a complex number": inside("return complex('nan')"),
    "bytes": inside("return bytes(8)"),
    "a date": inside("return np.datetime64('2020-01-01')"),
    "a structured array": inside("return np.zeros(2, dtype=[('a', 'f4')])"),
    "an array of wrong byte order": inside("return np.array(7.0, dtype='>f8')"),
    # errors
    "an error that decodes": inside("b'\\xff'.decode()"),
    "a group of errors": inside("raise ExceptionGroup('x', [ValueError()])"),
    "an error of a thousand classes": inside(
        "k = Exception\nfor n in range(500): k = type(f'E{n}', (k,), {})\nraise k"
    ),
    "an error with a huge message": inside("raise ValueError('x' * 50_000_000)"),
    "an error whose text clears the screen": inside("raise ValueError('\\x1b[2J12 of 12 passed')"),
    "an error whose name lies": inside("raise type('CheckPassed', (Exception,), {})('passed')"),
    "an error without end": inside(
        "class E(Exception):\n    def __str__(s):\n        while True: pass\nraise E"
    ),
    "an error that raises when looked at": inside(
        "class E(Exception):\n    def __getattribute__(s, n): raise SystemExit\nraise E"
    ),
    # random numbers
    "a random position beyond": inside(
        "s = np.random.get_state()\nnp.random.set_state((s[0], s[1], 2_000_000_000))\n" + WRONG
    ),
    "a random state of zeros": inside(
        "np.random.set_state(('MT19937', np.zeros(624, dtype=np.uint32), 0))\n" + WRONG
    ),
    # the machinery in its own process
    "the machinery's operations removed": before(MACHINERY + "vars(find('Operations')).clear()"),
    "the machinery's objects exchanged": before(
        MACHINERY + "find('Objects').by_handle = dict.fromkeys(range(99), 3.0)"
    ),
    "the machinery's channel closed": before(MACHINERY + "find('Channel')._close()"),
    "an answer of our own on the channel": before(
        MACHINERY + FORGED + "os.write(find('Channel').writing, ANSWER)"
    ),
    "an endless answer on the channel": before(
        MACHINERY + "import os\nc = find('Channel')\n"
        "os.write(c.writing, b'\\xff\\xff\\xff\\0\\0\\0\\0\\0')\n"
        "while True: os.write(c.writing, b'x' * 9999)"
    ),
    "the sender exchanged": before(
        MACHINERY + FORGED + "c = find('Channel')\n"
        "c.send = lambda f: os.write(c.writing, ANSWER)"
    ),
    "the package exchanged": before("import sys\nsys.modules['tinytorch.core.toy'] = 3"),
    "main exchanged": before("import sys\nsys.modules['__main__'] = sys.modules['os']"),
    # processes and time
    "a child in its own session": before(CHILD.format(then="os.setsid()")),
    "a child in its own group": before(CHILD.format(then="os.setpgid(0, 0)")),
    "a grandchild": before(CHILD.format(then="os.setsid(); os.fork()")),
    "a child that answers": before(CHILD.format(then="os.write(201, b'x' * 99)")),
    "many children": before("import os, time\nfor _ in range(200):\n"
                            "    if os.fork() == 0: os.setsid(); time.sleep(600)"),
    "killing the parent": before("import os, signal\nos.kill(os.getppid(), signal.SIGKILL)"),
    "terminating the parent": before("import os, signal\nos.kill(os.getppid(), signal.SIGTERM)"),
    "stopping itself": inside("import os, signal\nos.kill(os.getpid(), signal.SIGSTOP)"),
    "an alarm": before("import signal\nsignal.setitimer(signal.ITIMER_REAL, 0.05)"),
    "ignoring all signals": inside(
        "import signal\nfor s in signal.valid_signals():\n"
        "    try: signal.signal(s, signal.SIG_IGN)\n"
        "    except (OSError, ValueError): pass\nwhile True: pass"
    ),
    "the clock's dump cancelled": inside(
        "import faulthandler\nfaulthandler.cancel_dump_traceback_later()\nwhile True: pass"
    ),
    "many threads": inside(
        "import threading\nfor _ in range(500):\n"
        "    threading.Thread(target=__import__('time').sleep, args=(600,), daemon=True).start()\n"
        "while True: pass"
    ),
    "sleep": inside("import time\ntime.sleep(600)"),
    "all descriptors": inside("import os\nx = []\ntry:\n    while True: x.append(os.dup(0))\n"
                              "except OSError: pass\n" + WRONG),
    "lower limits": inside(
        "import resource\nresource.setrlimit(resource.RLIMIT_NOFILE, (0, 0))\n" + WRONG
    ),
    "a file of gigabytes": inside("with open('x', 'wb') as s:\n"
                                  "    while True: s.write(bytes(1 << 20))"),
    "a folder nobody may enter": before("import os\nos.makedirs('a/b')\nos.chmod('a/b', 0)\n"
                                        "os.chmod('a', 0)\nos.chmod('.', 0)"),
    "its folder removed": before("import os, shutil\nshutil.rmtree(os.getcwd(), True)"),
    "memory by pieces": inside("x = []\nwhile True: x.append(bytearray(1 << 20))"),
    "a flood of prints": inside("while True: print('\\x1b[2Jpassed' * 1000)"),
    "a closed standard output": before("import sys\nsys.stdout.close(); sys.stderr.close()"),
    "a trace function": before("import sys\nsys.settrace(lambda *a: 1 / 0)"),
    "a patched exec": before(
        "import builtins\nbuiltins.exec = builtins.compile = lambda *a, **k: 3"
    ),
    "an exit handler": before("import atexit, os\natexit.register(os._exit, 0)\nraise SystemExit"),
}  # fmt: skip

WALLED: dict[str, tuple[str, str]] = {
    "the curriculum's source": inside(
        f"import glob\nfor p in glob.glob({str(ROOT / 'tests/judge/toy/*.txt')!r}):\n"
        "    space = {}\n    exec(open(p).read().split('# %%')[9], space)\n"
        "    return space['mean'](a)\n" + WRONG
    ),
    "any file with the answer": inside(
        "import os\nfor d, _, fs in os.walk('/'):\n    for f in fs:\n"
        "        if f.endswith(('.py', '.txt', '.ipynb')) and 'toy' in f.lower() + d.lower():\n"
        "            return 3.0\n" + WRONG
    ),
    "the judge's memory": inside(
        "import os\nfor p in os.listdir('/proc'):\n"
        "    if p.isdigit() and int(p) not in (1, os.getpid()):\n"
        "        open(f'/proc/{p}/mem', 'r+b').write(b'x')\n" + WRONG
    ),
    "the judge's output": inside(
        "import os\nfor p in os.listdir('/proc'):\n    if p.isdigit() and int(p) != os.getpid():\n"
        "        open(f'/proc/{p}/fd/1', 'w').write('passed')\n" + WRONG
    ),
    "every process killed": before("import os, signal\nos.kill(-1, signal.SIGKILL)"),
    "every process stopped": before("import os, signal\nos.kill(-1, signal.SIGSTOP)"),
    "the judge killed by number": before(
        "import os, signal\nfor p in range(2, 70_000):\n    if p != os.getpid():\n"
        "        try: os.kill(p, signal.SIGKILL)\n        except OSError: pass"
    ),
    "a fork bomb": before("import os\nwhile True:\n    try: os.fork()\n    except OSError: pass"),
    "writing everywhere": before(
        "import os\nfor d, _, fs in os.walk('/'):\n    for f in fs:\n"
        "        if not d.startswith(('/proc', '/dev')):\n"
        "            try: open(os.path.join(d, f), 'a').write('# was here')\n"
        "            except OSError: pass"
    ),
    "filling memory file systems": inside(
        "for d in ('/tmp', '/dev/shm'):\n    try:\n        for n in range(999):\n"
        "            open(f'{d}/{n}', 'wb').write(bytes(1 << 20))\n"
        "    except OSError: pass\n" + WRONG
    ),
    "the network": inside(
        "import socket\ns = socket.create_connection(('1.1.1.1', 53), timeout=1)\nreturn 3.0"
    ),
    "sockets of the system": inside(
        "import socket\ns = socket.socket(socket.AF_UNIX)\n"
        "s.connect('/run/dbus/system_bus_socket')\nreturn 3.0"
    ),
    "the home folder": inside("import os\nopen(os.path.expanduser('~root/.bashrc'))\nreturn 3.0"),
    "other users": inside("open('/etc/passwd')\nreturn 3.0"),
    "becoming root": inside("import os\nos.setuid(0)\nreturn 3.0"),
    "a namespace of its own": inside(
        "import ctypes\nif ctypes.CDLL(None).unshare(0x10000000) == 0: return 3.0\n" + WRONG
    ),
    "a mount": inside(
        "import ctypes\nlibc = ctypes.CDLL(None)\n"
        "if libc.mount(b'x', b'/tmp', b'tmpfs', 0, 0) == 0: return 3.0\n" + WRONG
    ),
    "kernel settings": inside("open('/proc/sys/kernel/hostname', 'w').write('x')\nreturn 3.0"),
    "a device": inside("import os\nos.mknod('/tmp/x', 0o60600, os.makedev(8, 0))\nreturn 3.0"),
}  # fmt: skip
