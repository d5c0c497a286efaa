"""`make bench`: how fast the framework is, against hand-written NumPy and PyTorch, side by side."""

from __future__ import annotations

import argparse
import json
import os
import platform
import sys

import numpy as np
import torch
from mlp_step import check_same, numpy_variant, tinytorch_variant, torch_variant
from paired import microseconds, ratio, rounds

THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")


def measure(optimizer: str, count: int, steps: int) -> dict[str, object]:
    """Time one training step of the three variants in turn."""
    check_same(optimizer)
    variants = {
        "tinytorch": tinytorch_variant(optimizer)[0],
        "numpy": numpy_variant(optimizer)[0],
        "torch": torch_variant(optimizer)[0],
    }
    seconds = rounds(variants, count=count, steps=steps)
    return {
        "workload": f"784-128-10, batch 64, {optimizer}",
        "microseconds": {name: round(microseconds(seconds, name), 1) for name in variants},
        "to_numpy": ratio(seconds, "tinytorch", "numpy"),
        "to_torch": ratio(seconds, "tinytorch", "torch"),
    }


def main() -> None:
    """Measure, print a table or JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=40)
    parser.add_argument("--steps", type=int, default=100)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    if any(os.environ.get(name) != "1" for name in THREADS):
        sys.exit(f"Set {', '.join(THREADS)} to 1 before Python starts, or: make bench")
    torch.set_num_threads(1)
    results = [measure(name, options.rounds, options.steps) for name in ("SGD", "Adam")]
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
