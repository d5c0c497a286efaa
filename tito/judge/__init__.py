"""The judge: decides whether a learner's module is right, and says why when it is not.

Importing this package is cheap (NumPy and the standard library), because every notebook imports
``check`` and ``probe`` from it. The judge itself is loaded on first use.

* ``check``: the assertions graded test cells are written with.
* ``probe``: marks a function of a test cell that must run beside the learner's code.
* ``judge_module`` / ``judge_file``: judge the cells of one module; see ``tito.judge.runner``.
* ``judge_variants``: judge many trusted versions of a module in one process (for authors).
"""

from typing import TYPE_CHECKING, Any

from tito.judge.checks import Check, CheckFailed, check, probe

if TYPE_CHECKING:
    from tito.judge.report import ExerciseResult, Failure, Report
    from tito.judge.runner import Limits, judge_file, judge_module, judge_variants

__all__ = [
    "Check",
    "CheckFailed",
    "ExerciseResult",
    "Failure",
    "Limits",
    "Report",
    "check",
    "judge_file",
    "judge_module",
    "judge_variants",
    "probe",
]

_HOMES = {
    "ExerciseResult": "report",
    "Failure": "report",
    "Limits": "runner",
    "Report": "report",
    "judge_file": "runner",
    "judge_module": "runner",
    "judge_variants": "runner",
}


def __getattr__(name: str) -> Any:
    """Load the judge's own parts only when somebody asks for them."""
    if name not in _HOMES:
        raise AttributeError(f"module 'tito.judge' has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(f"tito.judge.{_HOMES[name]}"), name)
