"""`tito` on a planted curriculum, with its changes of files counted: the program that is killed.

    python planted_tito.py RELEASE ARGUMENTS…

RELEASE is the folder of the curriculum. In the environment, STEPS names a file that gets a line
for each change of a file below the folder INSIDE, and KILL_AT=N kills this process just before
the N-th.
"""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path

CHANGES = {"os.rename", "os.remove", "os.mkdir", "os.rmdir", "os.chmod", "os.truncate"}
WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC


def watch_changes(inside: str, steps: str, kill_at: int) -> None:
    """Log every change below `inside` before it happens; be killed before one of them (0: none)."""
    log = os.open(steps, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    count = 0

    def watch(event: str, args: tuple[object, ...]) -> None:
        nonlocal count
        if not _is_change(event, args) or not str(args[0]).startswith(inside):
            return
        count += 1
        os.write(log, f"{event} {args[0]}\n".encode())
        if count == kill_at:
            os.kill(os.getpid(), signal.SIGKILL)

    sys.addaudithook(watch)


def _is_change(event: str, args: tuple[object, ...]) -> bool:
    return event in CHANGES or (event == "open" and bool(int(str(args[2])) & WRITING))


def main(release: str, *arguments: str) -> None:
    """Run the command line on that curriculum."""
    from tito.cli.app import tito
    from tito.curriculum.curriculum import Curriculum

    curriculum = Curriculum.load(Path(release))
    if "STEPS" in os.environ:
        settings = os.environ["INSIDE"], os.environ["STEPS"], os.environ.get("KILL_AT", "0")
        watch_changes(*settings[:2], int(settings[2]))
    tito.main(arguments, prog_name="tito", obj=curriculum)


if __name__ == "__main__":
    main(*sys.argv[1:])
