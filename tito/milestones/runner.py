"""Run one part of a milestone as a process of its own, and read its result."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tito.curriculum.modules import Milestone, Part
from tito.errors import TitoError

Result = dict[str, Any]

UTF8 = {"PYTHONUTF8": "1", "PYTHONIOENCODING": "utf-8"}
# The products of these small networks gain little from a second thread, and where other programs
# run, waiting threads make them several times slower. A value set by the user stays.
THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")


def run_part(
    milestone: Milestone, part: Part, root: Path, extra_args: Sequence[str] = ()
) -> Result:
    """Run a part's script below `root` and return the result it measured.

    The script runs in this Python, on the `tinytorch` beside it; its progress goes straight to
    our stderr. `extra_args` are handed on ("--seed=0", "--epochs=3", "--no-plot", …).

    Raises:
        TitoError: with the script's own message where it gave one.
    """
    script = root / "milestones" / milestone.folder / part.script
    if not script.is_file():
        raise TitoError(
            f"The script of {_name(milestone, part)} is missing: {script}",
            "In a workspace, `tito setup` brings it back.",
        )
    result = _result(_run(script, extra_args), milestone, part)
    return {**result, "milestone": milestone.id, "part": part.number}


def _run(script: Path, extra_args: Sequence[str]) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(script), "--json", *extra_args]
    return subprocess.run(
        command,
        stdout=subprocess.PIPE,
        env=dict.fromkeys(THREADS, "1") | os.environ | UTF8,
        encoding="utf-8",
        errors="replace",
        check=False,
    )


def _result(process: subprocess.CompletedProcess[str], milestone: Milestone, part: Part) -> Result:
    """The JSON object that ends the script's output; a TitoError if it failed or has none."""
    result = _last_object(process.stdout)
    if process.returncode == 0 and _is_result(result):
        return result
    name = _name(milestone, part)
    if "error" in result:
        raise TitoError(f"{name} cannot run.\n{result['error']}")
    if process.returncode == 0:
        raise TitoError(
            f"{name} ended without a result: its last line on stdout should be a JSON object "
            f"with `metrics`, but it is {_shortened(_last_line(process.stdout))}.",
            f"Look at {process.args[1]}",
        )
    raise TitoError(
        f"{name} failed (exit code {process.returncode}). What it said is above.",
        f"Run it alone to look closer: python {process.args[1]}",
    )


def _last_line(output: str) -> str:
    return next((line for line in reversed(output.splitlines()) if line.strip()), "")


def _last_object(output: str) -> Result:
    try:
        value = json.loads(_last_line(output))
    except json.JSONDecodeError:
        return {}
    return value if isinstance(value, dict) else {}


def _is_result(result: Result) -> bool:
    """True for the protocol's form: metrics, each with a mean and its values."""
    metrics = result.get("metrics")
    if not isinstance(metrics, dict):
        return False
    return all(isinstance(m, dict) and {"mean", "values"} <= m.keys() for m in metrics.values())


def _shortened(line: str) -> str:
    return repr(line[:60] + "…") if len(line) > 60 else repr(line) if line else "missing"


def _name(milestone: Milestone, part: Part) -> str:
    return f"Milestone {milestone.id} ({milestone.title}), part {part.number},"
