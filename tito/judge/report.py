"""What a judgement says: one result for each exercise, with a reason wherever points are lost."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Literal

from tito.curriculum.modules import Module

Kind = Literal["check", "error", "timeout", "crash", "syntax", "missing", "duplicate"]
Status = Literal["passed", "failed", "not started"]


@dataclass(frozen=True)
class Failure:
    """Why an exercise was not passed. Every field is text for the learner; empty if unknown.

    ``position`` (number of the check that failed, or that was done last) and ``signature`` (of
    what came) are for machines: two failures that agree in them are the same mistake.
    """

    kind: Kind
    reason: str
    given: str = ""
    expected: str = ""
    got: str = ""
    because: str = ""
    where: str = ""
    line_text: str = ""
    fix: str = ""
    hint: str | None = None
    position: int = -1
    signature: str = ""

    def to_dict(self) -> dict[str, Any]:
        """Plain data, without the fields that are for the judge itself."""
        fields = asdict(self)
        del fields["position"], fields["signature"]
        return fields


@dataclass(frozen=True)
class ExerciseResult:
    """The verdict on one exercise; ``failure`` is None exactly when it is passed."""

    exercise_id: str
    title: str
    status: Status
    points: int
    max_points: int
    failure: Failure | None = None

    def to_dict(self) -> dict[str, Any]:
        """Plain data."""
        own = {name: value for name, value in vars(self).items() if name != "failure"}
        return {**own, "failure": self.failure.to_dict() if self.failure else None}


@dataclass(frozen=True)
class Report:
    """The verdict on one module's file.

    ``problem`` is a failure of the file outside its exercises, such as an import cell that
    raises: nothing is passed while there is one. ``integration`` is what failed when the exported
    package was imported and put to use, once every exercise passes. ``seconds``: of judging.
    """

    module: Module
    results: tuple[ExerciseResult, ...]
    file: str
    problem: Failure | None = None
    integration: Failure | None = None
    seconds: float = 0.0

    @property
    def points(self) -> int:
        """Points reached."""
        return sum(result.points for result in self.results)

    @property
    def max_points(self) -> int:
        """Points that could be reached with the exercises that were judged."""
        return sum(result.max_points for result in self.results)

    @property
    def passed(self) -> bool:
        """True when every judged exercise is passed and the file loads."""
        every = all(result.status == "passed" for result in self.results)
        return bool(self.results) and every and self.problem is None

    @property
    def complete(self) -> bool:
        """True when every exercise is passed and the module works as a part of the package."""
        return self.passed and self.integration is None

    @property
    def first_failure(self) -> ExerciseResult | None:
        """The first exercise that is not passed."""
        return next((result for result in self.results if result.status != "passed"), None)

    def to_dict(self) -> dict[str, Any]:
        """Plain data, ready for JSON."""
        return {
            "module": self.module.id,
            "title": self.module.title,
            "file": self.file,
            "passed": self.passed,
            "points": self.points,
            "max_points": self.max_points,
            "seconds": round(self.seconds, 3),
            "problem": self.problem.to_dict() if self.problem else None,
            "integration": self.integration.to_dict() if self.integration else None,
            "results": [result.to_dict() for result in self.results],
        }
