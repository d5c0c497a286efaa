"""The guest: the process in which the learner's code runs, started by `tito.sandbox.host`.

Run as a script with `tito` off its path. It moves its message channel away from the standard
streams before anything of the learner's runs, then answers one request after another:
``[operation, argument, ...]`` in, ``["v", value]`` or ``["x", error]`` out. Nothing it says is
trusted: whatever the learner's code does to this process, the host only ever reads values.

Argument: JSON with "paths" (site-packages folders), "megabytes" and "cpu_seconds" (limits).
"""

from __future__ import annotations

import faulthandler
import importlib.util
import json
import os
import signal
import sys
from collections.abc import Callable
from typing import IO, Any

HOME = os.path.dirname(os.path.abspath(__file__))
PRIVATE = 200  # far from the numbers that code writing to "any open file" would try


def private_channel() -> tuple[int, int]:
    """Take the pipes away from descriptors 0 and 1; return (reading, writing) descriptors.

    Afterwards standard input is empty and standard output goes where standard error goes.
    """
    reading, writing = _far_copy(0), _far_copy(1)
    null = os.open(os.devnull, os.O_RDONLY)
    os.dup2(null, 0)
    os.close(null)
    os.dup2(2, 1)
    if hasattr(os, "register_at_fork"):
        close = os.close  # a forked child must never speak in our name
        os.register_at_fork(after_in_child=lambda: [close(fd) for fd in (reading, writing)])
    return reading, writing


def _far_copy(descriptor: int) -> int:
    if sys.platform == "win32":
        import msvcrt

        copied = os.dup(descriptor)
        msvcrt.setmode(copied, os.O_BINARY)
        return copied
    import fcntl

    return fcntl.fcntl(descriptor, fcntl.F_DUPFD_CLOEXEC, PRIVATE)


def report_place() -> IO[bytes]:
    """Let a crash, or a signal from the host, print where the code stands."""
    stream = os.fdopen(_far_copy(2), "wb", buffering=0)
    faulthandler.enable(file=stream, all_threads=False)
    if hasattr(faulthandler, "register"):
        faulthandler.register(signal.SIGUSR1, file=stream, all_threads=False)
    return stream


def limit_resources(megabytes: int, cpu_seconds: int) -> None:
    """Bound memory, file size and processor time where the system can (POSIX)."""
    try:
        import resource
    except ImportError:  # Windows: only the host's clock remains
        return
    space = megabytes << 20
    bounds = {
        "RLIMIT_AS": (space, space),
        "RLIMIT_FSIZE": (space // 8, space // 8),
        "RLIMIT_CPU": (cpu_seconds, cpu_seconds + 5),  # first a signal with a name
        "RLIMIT_CORE": (0, 0),
    }
    for name, bound in bounds.items():
        try:
            resource.setrlimit(getattr(resource, name), bound)
        except (AttributeError, ValueError, OSError):  # unknown here, or a lower hard limit
            continue


def load(name: str, folder: str = HOME) -> Any:
    """Import one file of the sandbox by its path: `tito` itself is not importable here."""
    spec = importlib.util.spec_from_file_location(f"_guest_{name}", f"{folder}/{name}.py")
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def make_server(reading: int, writing: int) -> Callable[[], None]:
    """The function that answers requests until the host hangs up."""
    protocol, own = load("protocol", os.path.dirname(HOME)), load("operations")
    bench = own.Operations()
    operations, objects, error_form = bench.operations(), bench.objects, own.error_form
    read, write = os.read, os.write

    class Encoder(protocol.Encoder):  # type: ignore[name-defined]
        def reference(self, value: Any) -> Any:
            return {"h": objects.hold(value)}

    def take(count: int) -> bytes:
        data = b""
        while len(data) < count:
            part = read(reading, count - len(data))
            if not part:
                raise EOFError
            data += part
        return data

    def answer(operation: str, *arguments: Any) -> bytes:
        encoder = Encoder()
        try:
            return bytes(encoder.frame(["v", encoder.value(operations[operation](*arguments))]))
        except BaseException as error:  # SystemExit too: a learner's exit() is an answer
            encoder = Encoder()
            return bytes(encoder.frame(["x", encoder.value(error_form(error))]))

    def serve() -> None:
        while True:
            text, body = map(take, protocol.HEADER.unpack(take(protocol.HEADER.size)))
            frame = answer(*protocol.parse(text, body, objects.by_handle.__getitem__))
            while frame:
                frame = frame[write(writing, frame) :]

    return serve


def main() -> None:
    """Set the process up, then serve. Ends without running exit handlers of the learner's."""
    leave = os._exit
    settings = json.loads(sys.argv[1])
    channel = private_channel()
    stream = report_place()
    limit_resources(settings["megabytes"], settings["cpu_seconds"])
    sys.path[:] = [*sys.path, *settings["paths"]]
    sys.argv = ["notebook"]
    try:
        make_server(*channel)()
    except EOFError:
        leave(0)
    except BaseException as error:
        stream.write(f"guest: {type(error).__name__}: {error}\n".encode("utf-8", "replace"))
        leave(70)


if __name__ == "__main__":
    main()
