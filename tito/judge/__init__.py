"""The judge: decides whether a learner's module is right, and says why when it is not."""

from tito.judge.report import ExerciseResult, Failure, Report
from tito.judge.runner import Judge
from tito.judge.session import Limits

__all__ = ["ExerciseResult", "Failure", "Judge", "Limits", "Report"]
