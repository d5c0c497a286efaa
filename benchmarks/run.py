"""`make bench`: how fast the framework is, against hand-written NumPy and PyTorch, side by side."""

from __future__ import annotations

import argparse
import json
import os
import platform
import sys

import numpy as np
import torch
from mlp_step import VARIANTS, Workload, check_same
from paired import microseconds, ratio, rounds

THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")


NETWORKS = ((784, 128, 10), 64, 100), ((784, 256, 128, 10), 256, 25)  # sizes, batch, steps a round
WORKLOADS = [
    (Workload(sizes, batch, optimizer), steps)
    for sizes, batch, steps in NETWORKS
    for optimizer in ("SGD", "Adam")
]


def measure(work: Workload, count: int, steps: int) -> dict[str, object]:
    """Time one training step of the three variants in turn."""
    check_same(work)
    variants = {name: variant(work)[0] for name, variant in VARIANTS.items()}
    seconds = rounds(variants, count=count, steps=steps)
    return {
        "workload": str(work),
        "microseconds": {name: round(microseconds(seconds, name), 1) for name in variants},
        "to_numpy": ratio(seconds, "tinytorch", "numpy"),
        "to_torch": ratio(seconds, "tinytorch", "torch"),
    }


def main() -> None:
    """Measure, print a table or JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=40)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    if any(os.environ.get(name) != "1" for name in THREADS):
        sys.exit(f"Set {', '.join(THREADS)} to 1 before Python starts, or: make bench")
    torch.set_num_threads(1)
    results = [measure(work, options.rounds, steps) for work, steps in WORKLOADS]
    if options.json:
        print(json.dumps(results, indent=2))
        return
    print(
        f"Python {platform.python_version()}, NumPy {np.__version__}, PyTorch {torch.__version__}"
    )
    print(f"one thread, CPU time; median of {options.rounds} paired rounds (middle half)\n")
    for result in results:
        _print(result)


def _print(result: dict) -> None:
    times = ", ".join(f"{name} {value:.0f} µs" for name, value in result["microseconds"].items())
    print(f"{result['workload']}: {times}")
    for base in ("numpy", "torch"):
        r = result[f"to_{base}"]
        print(f"    ratio to {base:<6} {r['median']:.2f}  ({r['q1']:.2f} to {r['q3']:.2f})")


if __name__ == "__main__":
    main()
