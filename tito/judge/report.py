"""What a judgement says: one result for each exercise, with a reason wherever points are lost."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any, Literal

from tito.curriculum.modules import Module
from tito.messages import Message, Wording, english

Kind = Literal[
    "check", "hidden", "error", "stub", "earlier module", "timeout", "crash", "syntax", "missing",
    "duplicate", "export", "integration",
]  # fmt: skip
Status = Literal["passed", "failed", "not started"]
Text = str | Message
FOR_THE_JUDGE = ("position", "signature")  # not part of what is told


@dataclass(frozen=True)
class Failure:
    """Why an exercise was not passed. Every field is for the learner; empty if unknown.

    ``position`` (number of the check that failed, or that was done last) and ``signature`` (of
    what came) are for machines: two failures that agree in them are the same mistake.
    """

    kind: Kind
    reason: Message
    given: Text = ""
    before: Text = ""
    after: Text = ""
    expected: Text = ""
    got: Text = ""
    because: Text = ""
    printed: str = ""
    where: str = ""
    line_text: str = ""
    fix: Text = ""
    hint: Text = ""
    position: int = -1
    signature: str = ""

    def to_dict(self, wording: Wording | None = None) -> dict[str, Any]:
        """Plain data: everything said in words, and the reason as code and data too."""
        say = (wording or english()).say
        names = [field.name for field in fields(self) if field.name not in FOR_THE_JUDGE]
        told = {name: say(getattr(self, name)) for name in names}
        return {**told, "message": self.reason.to_dict()}


@dataclass(frozen=True)
class ExerciseResult:
    """The verdict on one exercise, ``title`` being its short name.

    ``failure`` is None exactly when it is passed.
    """

    exercise_id: str
    title: str
    status: Status
    points: int
    max_points: int
    failure: Failure | None = None

    @property
    def waits_for(self) -> str:
        """The id of another exercise, not solved yet, for whose sake alone it fails; or ""."""
        reason = self.failure.reason if self.failure else None
        if reason is None or reason.code != "judge.needs_exercise":
            return ""
        wanted = str(reason.data["exercise"])
        return wanted if wanted != self.exercise_id else ""

    def to_dict(self, wording: Wording | None = None) -> dict[str, Any]:
        """Plain data."""
        own = {name: value for name, value in vars(self).items() if name != "failure"}
        return {**own, "failure": self.failure.to_dict(wording) if self.failure else None}


@dataclass(frozen=True)
class WrittenAnswer:
    """An answer in the learner's words, for a person to grade."""

    answer_id: str
    max_points: int
    text: str


@dataclass(frozen=True)
class Report:
    """The verdict on one module's file.

    ``problem`` is a failure of the file outside its exercises, such as an import cell that
    raises: the module is not passed while there is one. ``integration`` is what failed when the
    exported package was imported and put to use, once every exercise passes; ``integrated`` says
    whether that went well, None where it was not tried. ``isolation`` names how the learner's
    code was kept apart; ``seconds`` is how long judging took.
    """

    module: Module
    results: tuple[ExerciseResult, ...]
    file: str
    problem: Failure | None = None
    integration: Failure | None = None
    integrated: bool | None = None
    answers: tuple[WrittenAnswer, ...] = ()
    isolation: str = "local"
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
        return self.passed and bool(self.integrated)

    @property
    def first_failure(self) -> ExerciseResult | None:
        """The first exercise that is not passed."""
        return next((result for result in self.results if result.status != "passed"), None)

    def to_dict(self, wording: Wording | None = None) -> dict[str, Any]:
        """Plain data, ready for JSON."""
        return {
            "module": self.module.id,
            "title": self.module.title,
            "file": self.file,
            "passed": self.passed,
            "complete": self.integrated if self.passed else False,
            "points": self.points,
            "max_points": self.max_points,
            "seconds": round(self.seconds, 3),
            "isolation": self.isolation,
            "problem": self.problem.to_dict(wording) if self.problem else None,
            "integration": self.integration.to_dict(wording) if self.integration else None,
            "answers": [vars(answer) for answer in self.answers],
            "results": [result.to_dict(wording) for result in self.results],
        }
