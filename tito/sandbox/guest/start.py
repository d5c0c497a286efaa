"""Where a guest begins; run as a script by a launcher of `tito.sandbox.host`, `tito` off its path.

Argument: JSON with "packages" (the folder NumPy lies in), "limits" (see ``limits.py``) and, where
one is wanted, "keeper" (a "control" descriptor that closes when the host ends, the guest's
"folder", and how many "processes" it may have).
"""

from __future__ import annotations

import json
import os
import sys
import types
from importlib import import_module
from typing import Any

SANDBOX = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
PRIVATE = "_guest"  # our own files as a package, without `tito` around them


def part(name: str) -> Any:
    """One file of the sandbox; what it imports is imported with it."""
    if PRIVATE not in sys.modules:
        sys.modules[PRIVATE] = types.ModuleType(PRIVATE)
        sys.modules[PRIVATE].__path__ = [SANDBOX]
    return import_module(f"{PRIVATE}.{name}")


def hide_parts() -> None:
    """Our files are not to be imported by the learner's code."""
    for name in [name for name in sys.modules if name.partition(".")[0] == PRIVATE]:
        del sys.modules[name]


def allow(folder: str) -> None:
    """Import NumPy from a folder of packages, and leave that folder off the path again."""
    sys.path.append(folder)
    import_module("numpy")
    sys.path.remove(folder)
    sys.path_importer_cache.pop(folder, None)


def main() -> None:
    """Become a guest; before that, if so ordered, its keeper. Never returns."""
    settings = json.loads(sys.argv[1])
    sys.argv = ["notebook"]
    if "keeper" in settings:  # before NumPy: the keeper stays small
        part("guest.keeper").keep(**settings["keeper"])
    limits = part("guest.limits")
    limits.apply(**settings["limits"])
    channel = part("guest.channel").Channel()
    stream = limits.trace_stream()
    try:
        allow(settings["packages"])
        serve = part("guest.server").make_server(channel, limits.Clock(stream))
    except BaseException as error:
        stream.write(f"{type(error).__name__}: {error}\n".encode("utf-8", "replace"))
        os._exit(1)
    hide_parts()
    serve()


if __name__ == "__main__":
    main()
