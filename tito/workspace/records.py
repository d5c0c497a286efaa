"""The records in a progress file as typed values.

They are read field by field: one that is damaged is left out and reported, and costs nothing
else. Fields that this version does not know are kept and written back.
"""

from __future__ import annotations

from functools import cache
from typing import Annotated, Any, Self, get_args, get_origin

import msgspec
from msgspec import Meta

VERSION = 2  # 1 had no track and no word about integration tests; all else is the same

EMPTY: tuple[Any, ...] = (None, "", {})
DAMAGED: Any = object()

Time = Annotated[str, Meta(pattern=r"^\d{4}-\d\d-\d\d(T[\d:.]+(Z|[+-][\d:]+)?)?\Z", max_length=40)]
Points = Annotated[int, Meta(ge=0, le=1_000_000)]
Number = Annotated[int, Meta(ge=0, le=99)]
Status = Annotated[str, Meta(pattern=r"^[a-z ]+\Z", max_length=40)]  # "passed", "not started", …


class Record(msgspec.Struct, kw_only=True):
    """Named fields, each with a default, and in `unknown` what else stood there."""

    unknown: dict[str, Any] = {}

    @classmethod
    def read(cls, data: dict[str, Any], where: str, damage: list[str]) -> Self:
        """Build the record from plain data; what does not fit is reported in `damage`.

        `where` names the record in these reports: "modules.05.tests".
        """
        kinds = _kinds(cls)
        unknown = {name: value for name, value in data.items() if name not in kinds}
        known = {name: value for name, value in data.items() if name in kinds}
        values = {
            name: _read_value(kinds[name], value, f"{where}.{name}".lstrip("."), damage)
            for name, value in known.items()
        }
        fitting = {name: value for name, value in values.items() if value is not DAMAGED}
        return cls(**fitting, unknown=unknown)

    def to_dict(self) -> dict[str, Any]:
        """Plain data, ready for JSON; empty fields are left out."""
        values = {name: getattr(self, name) for name in _kinds(type(self))}
        filled = {name: _plain(value) for name, value in values.items() if value not in EMPTY}
        return {**filled, **self.unknown}


class TestsRecord(Record):
    """The latest verdict of the judge, and on what."""

    __test__ = False  # pytest: no class of tests

    time: Time = ""
    file: str = ""  # the digest of the learner's file
    points: Points = 0
    max_points: Points = 0
    results: dict[str, Status] = {}
    integration: bool | None = None  # the test across modules; judged once all else passes


class ModuleProgress(Record):
    """What is recorded about one module. Times are ISO text with the zone."""

    started: Time | None = None
    exported: Time | None = None
    completed: Time | None = None
    points: Points | None = None  # of the completion
    max_points: Points | None = None
    tests: TestsRecord | None = None
    hints: dict[str, Number] = {}  # exercise → levels shown

    @property
    def is_begun(self) -> bool:
        """True when anything is recorded."""
        return self != ModuleProgress()


class Spread(Record):
    """One metric over the seeds of a milestone's run."""

    mean: float | None = None
    std: float | None = None
    values: list[float | bool | None] = []


class MilestoneResult(Record):
    """The latest result of one part of a milestone."""

    time: Time | None = None
    milestone: str = ""
    part: Number | None = None
    full: bool = True  # False: with other seeds or epochs than the target is meant for
    seconds: float | None = None
    metrics: dict[str, Spread] = {}


class MilestoneProgress(Record):
    """The results of one milestone, by the number of the part."""

    parts: dict[str, MilestoneResult] = {}


class TrackChoice(Record):
    """The track chosen: its name, and the numbers of the modules to build."""

    name: str = ""
    build: tuple[Number, ...] = ()


class Records(Record):
    """All that a progress file holds."""

    version: int = VERSION
    current: str | None = None
    track: TrackChoice | None = None
    modules: dict[str, ModuleProgress] = {}
    milestones: dict[str, MilestoneProgress] = {}
    lost: str = ""  # why an earlier file was unusable, until its content is rebuilt


@cache
def _kinds(record: type[Record]) -> dict[str, Any]:
    """The names of a record's fields, and their types."""
    fields = msgspec.structs.fields(record)
    return {field.name: field.type for field in fields if field.name != "unknown"}


def _read_value(kind: Any, data: Any, where: str, damage: list[str]) -> Any:
    """`data` as a value of type `kind`, or DAMAGED."""
    if get_origin(kind) is dict and isinstance(data, dict):
        return _read_each(get_args(kind)[1], data, where, damage)
    record = next((part for part in (kind, *get_args(kind)) if _is_record(part)), None)
    try:
        if record is not None and isinstance(data, dict):
            return record.read(data, where, damage)
        return msgspec.convert(data, kind)
    except (msgspec.ValidationError, TypeError) as error:
        damage.append(f"{where[:80]!r}: {error}")
        return DAMAGED


def _read_each(kind: Any, data: dict[str, Any], where: str, damage: list[str]) -> dict[str, Any]:
    values = {key: _read_value(kind, item, f"{where}.{key}", damage) for key, item in data.items()}
    return {key: value for key, value in values.items() if value is not DAMAGED}


def _is_record(kind: Any) -> bool:
    return isinstance(kind, type) and issubclass(kind, Record)


def _plain(value: Any) -> Any:
    if isinstance(value, Record):
        return value.to_dict()
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    return value
