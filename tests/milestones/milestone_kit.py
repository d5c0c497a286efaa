"""What the tests share: running a script as a learner does, and trees to run it in."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[2]


def run_script(script: Path, *arguments: str, cwd: Path | None = None, **environment: str):
    """Run a script as a learner does: python script.py, in its own folder unless told otherwise."""
    # A learner's shell has no PYTHONPATH; a refused proxy keeps every test off the network.
    env = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
    env |= {"https_proxy": "http://127.0.0.1:9", "http_proxy": "http://127.0.0.1:9", "no_proxy": ""}
    env |= {"PYTHONIOENCODING": "utf-8"} | environment
    return subprocess.run(
        [sys.executable, script.name if cwd is None else str(script), *arguments],
        cwd=cwd or script.parent,
        env=env,
        capture_output=True,
        encoding=env["PYTHONIOENCODING"],
        timeout=600,  # on a busy machine part 04.1 takes minutes
    )


def make_tree(root: Path, upto: int) -> Path:
    """Copy milestones and data sets to `root`, beside a package of the first `upto` modules."""
    from tito.curriculum.curriculum import Curriculum
    from tito.package.writer import reference_sources, write_package

    left_out = shutil.ignore_patterns("__pycache__", "outputs", "*.gz", "*.part")
    for folder in ("datasets", "milestones"):
        shutil.copytree(REPOSITORY / folder, root / folder, ignore=left_out)
    curriculum = Curriculum.load()
    write_package(root, curriculum, reference_sources(curriculum, upto))
    return root
