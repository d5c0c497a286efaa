"""Figures of a run: their mean and spread over the seeds, and how a person reads them."""

import math
import textwrap

import numpy as np

WIDTH = 78  # of running text
NEGLIGIBLE = 1e-4  # a spread below this part of the mean is not worth a figure


def summarise(runs):
    """Turn one metrics dict per seed into {metric: {mean, std, values}}; null where not finite."""
    names = runs[0]
    return {name: _spread([float(metrics[name]) for metrics in runs]) for name in names}


def _spread(values):
    with np.errstate(invalid="ignore"):  # a diverged run: its figures become null below
        figures = {"mean": float(np.mean(values)), "std": float(np.std(values))}
    finite = {key: value if math.isfinite(value) else None for key, value in figures.items()}
    return {**finite, "values": [value if math.isfinite(value) else None for value in values]}


def format_metric(name, value, decimals=1):
    """Shares as percentages, counts in full, everything else with three digits."""
    if value is None:
        return "not a number"
    if any(word in name for word in ("accuracy", "rate", "coherence")):
        return f"{100 * value:.{decimals}f} %"
    return f"{value:,.0f}" if value == int(value) else f"{value:.3g}"


def format_spread(name, spread):
    """A metric over all seeds: "97.5 % ± 0.2 %", or "9 of 10" for the rate of a yes or no."""
    values = spread["values"]
    if "rate" in name and set(values) <= {0.0, 1.0}:
        return f"{sum(values):.0f} of {len(values)}"
    mean, deviation = spread["mean"], spread["std"]
    if mean is None or deviation <= NEGLIGIBLE * abs(mean):
        return format_metric(name, mean)
    decimals = 1 if deviation >= 0.0005 else 2
    return f"{format_metric(name, mean, decimals)} ± {format_metric(name, deviation, decimals)}"


def said(metrics):
    """Every metric as a person reads it."""
    return {name: format_spread(name, spread) for name, spread in metrics.items()}


def summary(result, reason):
    """What a person reads at the end: title, metrics, time, plot (or why none), and the moral."""
    seeds, seconds = result["seeds"], result["seconds"]
    lines = [f"Milestone {result['milestone']}, part {result['part']}: {result['title']}", ""]
    for name, text in result["said"].items():
        lines.append(f"  {name.replace('_', ' '):<26} {text}")
    counted = f"mean ± spread over seeds {seeds[0]} to {seeds[-1]}"
    lines.append(f"  {'':<26} ({counted if len(seeds) > 1 else f'seed {seeds[0]} only'})")
    lines.append(f"  {'time':<26} {seconds:.{1 if seconds >= 1 else 2}f} s")
    lines.append(f"  {'plot':<26} {result['plot'] or f'none: {reason}'}")
    return "\n".join([*lines, "", textwrap.fill(result["moral"], WIDTH)])
