"""`make bench`: how fast the framework is, against hand-written NumPy and PyTorch, side by side."""

from __future__ import annotations

import argparse
import json
import os
import platform
import sys

import numpy as np
import torch
from cnn_step import LAYER_VARIANTS, LOOP_VARIANTS, CnnWorkload, ConvWorkload
from cnn_step import VARIANTS as CNN_VARIANTS
from gpt_step import VARIANTS as GPT_VARIANTS
from gpt_step import GptWorkload
from mlp_step import VARIANTS as MLP_VARIANTS
from mlp_step import Workload
from paired import Variants, check_same, microseconds, ratio, rounds

THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")


NETWORKS = ((784, 128, 10), 64, 100), ((784, 256, 128, 10), 256, 25)  # sizes, batch, steps a round
WORKLOADS = [  # workload, its variants, steps a round
    *[
        (Workload(sizes, batch, optimizer), MLP_VARIANTS, steps)
        for sizes, batch, steps in NETWORKS
        for optimizer in ("SGD", "Adam")
    ],
    (CnnWorkload(32), CNN_VARIANTS, 4),
    (CnnWorkload(128), CNN_VARIANTS, 1),
    (ConvWorkload(32), LAYER_VARIANTS, 10),
    (ConvWorkload(1), LOOP_VARIANTS, 1),  # 1 of the 32: the loops need seconds for more
    (GptWorkload(128, 4, 4, 64, 16), GPT_VARIANTS, 2),
    (GptWorkload(256, 6, 8, 128, 8), GPT_VARIANTS, 1),
]


def measure(work: object, variants: Variants, count: int, steps: int) -> dict[str, object]:
    """Time one step of all variants in turn; ratios are those of the first to each other one."""
    check_same(work, variants)
    seconds = rounds({name: v(work)[0] for name, v in variants.items()}, count=count, steps=steps)
    ours, *others = variants
    return {
        "workload": str(work),
        "microseconds": {name: round(microseconds(seconds, name), 1) for name in variants},
        "ratio_to": {name: ratio(seconds, ours, name) for name in others},
    }


def main() -> None:
    """Measure, print a table or JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=40)
    parser.add_argument("--only", default="", help="a part of the workload's name")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    if any(os.environ.get(name) != "1" for name in THREADS):
        sys.exit(f"Set {', '.join(THREADS)} to 1 before Python starts, or: make bench")
    torch.set_num_threads(1)
    chosen = [case for case in WORKLOADS if options.only in str(case[0])]
    results = [measure(work, variants, options.rounds, steps) for work, variants, steps in chosen]
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
    for base, r in result["ratio_to"].items():
        print(f"    ratio to {base:<13} {r['median']:.3g}  ({r['q1']:.3g} to {r['q3']:.3g})")


if __name__ == "__main__":
    main()
