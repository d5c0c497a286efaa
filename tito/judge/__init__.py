"""The judge: decides whether a learner's module is right, and says why when it is not."""

from tito.judge.report import ExerciseResult, Failure, Report
from tito.judge.runner import GRADING, LEARNING, Judge, Profile
from tito.sandbox import Isolation, Limits

__all__ = [
    "GRADING",
    "LEARNING",
    "ExerciseResult",
    "Failure",
    "Isolation",
    "Judge",
    "Limits",
    "Profile",
    "Report",
]
