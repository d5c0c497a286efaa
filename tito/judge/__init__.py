"""The judge: decides whether a learner's module is right, and says why when it is not."""

from tito.judge.report import ExerciseResult, Failure, Report
from tito.judge.runner import Limits, judge_file, judge_module, judge_variants

__all__ = [
    "ExerciseResult",
    "Failure",
    "Limits",
    "Report",
    "judge_file",
    "judge_module",
    "judge_variants",
]
