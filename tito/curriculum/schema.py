"""The form of the curriculum's data files: every key, its type, and what may be left out.

An unknown key, a wrong type or a missing key is refused with the file, the path and what is
expected (msgspec does the checking; its complaints are given a place here).
"""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar

import msgspec
from msgspec import Meta, Struct, field

from tito.errors import TitoError
from tito.files import read_text

Data = TypeVar("Data")
Positive = Annotated[int, Meta(ge=1)]
Word = Annotated[str, Meta(pattern=r"^[a-z][a-z0-9_-]*$")]
Dotted = Annotated[str, Meta(pattern=r"^[a-z_][a-z0-9_]*(\.[a-z_][a-z0-9_]*)*$")]
ENTRY = re.compile(r"\b(\w+)\[(\d+)\]")
STEP = re.compile(r"\w+|\[\.\.\.\]")  # of a path such as modules[2].limits[0].seconds
NO_MORE_SAID = ("Object contains unknown field", "Invalid enum value")


class Entry(Struct, frozen=True, forbid_unknown_fields=True):
    """A table of a data file; a key that its form does not have is an error."""


class LimitEntry(Entry, frozen=True, kw_only=True):
    """Bounds of one exercise that needs more, or less, than the others."""

    exercise: Word
    seconds: Annotated[float, Meta(gt=0)] | None = None
    cpu_seconds: Annotated[float, Meta(gt=0)] | None = None


class ModuleEntry(Entry, frozen=True, kw_only=True):
    """One `[[modules]]` table."""

    number: Positive
    folder: Annotated[str, Meta(pattern=r"^\d\d_[a-z0-9_]+$")]
    title: Annotated[str, Meta(min_length=1)]
    tier: Annotated[str, Meta(min_length=1)]
    difficulty: Annotated[int, Meta(ge=1, le=4)]
    hours: Annotated[str, Meta(pattern=r"^\d+(-\d+)?$")]
    points: Annotated[int, Meta(ge=0)]
    requires: tuple[Positive, ...] = ()
    optional: tuple[Positive, ...] = ()
    exports: Annotated[tuple[Dotted, ...], Meta(min_length=1)]
    facade: Dotted | None = None
    names: tuple[str, ...]
    on_import: str = ""
    terms: tuple[str, ...] = ()
    limits: tuple[LimitEntry, ...] = ()


class Target(Entry, frozen=True, kw_only=True):
    """What a milestone part sets out to reach: a band for one measured metric."""

    metric: Annotated[str, Meta(pattern=r"^[a-z][a-z0-9_]*$")]
    text: str
    unit: Literal["number", "share", "successes"] = "number"  # shown as 0.69, 97.5 %, 9 of 10
    at_least: float | None = None
    at_most: float | None = None

    def met_by(self, value: float) -> bool:
        """True when `value` lies inside the band."""
        low = self.at_least is None or value >= self.at_least
        high = self.at_most is None or value <= self.at_most
        return low and high


class PartEntry(Entry, frozen=True, kw_only=True):
    """One script of a milestone."""

    script: Annotated[str, Meta(pattern=r"^[\w-]+\.py$")]
    title: str
    needs: tuple[Positive, ...]
    data: str = ""
    long: bool = False  # takes minutes: runs only when asked for by its number
    targets: tuple[Target, ...] = ()


class MilestoneEntry(Entry, frozen=True, kw_only=True):
    """One `[[milestones]]` table."""

    number: Positive
    name: Word
    aliases: tuple[Word, ...] = ()
    folder: str
    title: str
    year: int
    parts: Annotated[tuple[PartEntry, ...], Meta(min_length=1)]


class TrackEntry(Entry, frozen=True, kw_only=True):
    """One `[[tracks]]` table: the modules to build, as "1-7" or "8, 14-19"."""

    name: Word
    title: str
    build: str


class TextEntry(Entry, frozen=True, kw_only=True):
    """`[text]`: what the text of every module must have. Without it, nothing is looked for."""

    frame: tuple[str, ...] = ()  # headings, in this order
    kinds: tuple[str, ...] = ()  # of exercises, each at least once
    questions: int = 0
    figures: int = 0
    readings: int = 0
    columns: Positive = 100  # of a line


class ManifestFile(Entry, frozen=True, kw_only=True):
    """The whole of `curriculum.toml`."""

    modules: Annotated[tuple[ModuleEntry, ...], Meta(min_length=1)]
    milestones: tuple[MilestoneEntry, ...] = ()
    tracks: tuple[TrackEntry, ...] = ()
    packages: dict[str, str]
    text: TextEntry | None = None
    wording: str | None = None


class MistakeEntry(Entry, frozen=True, kw_only=True):
    """A planted mistake: either `code` in place of the solution, or one `replace` … `with`."""

    name: Annotated[str, Meta(min_length=1)]
    hint: Annotated[str, Meta(min_length=1)]
    code: str = ""
    replace: str = ""
    with_: str = field(name="with", default="")


class GuidanceEntry(Entry, frozen=True, kw_only=True):
    """What one exercise offers to someone who is stuck."""

    hints: tuple[str, ...] = ()
    mistakes: tuple[MistakeEntry, ...] = ()


def read_toml(path: Path, form: type[Data]) -> Data:
    """The content of a TOML file in its form; a TitoError says where it departs from that."""
    text = read_text(path)
    try:
        return _in_form(tomllib.loads(text), form, str(path), text)
    except tomllib.TOMLDecodeError as error:
        raise TitoError(f"{path} is not valid TOML: {error}.") from error


def read_tables(path: Path, form: type[Data]) -> dict[str, Data]:
    """The tables of a TOML file whose names are free, each in the form."""
    tables = read_toml(path, dict[str, dict[str, Any]])
    return {name: _in_form(table, form, f"{path} [{name}]") for name, table in tables.items()}


def _in_form(data: Any, form: type[Data], place: str, text: str = "") -> Data:
    try:
        return msgspec.convert(data, form)
    except msgspec.ValidationError as error:
        complaint = str(error)
        reason = _reason(complaint, form)
        raise TitoError(f"{place}{_line(complaint, text)}: {reason}") from error


def _reason(complaint: str, form: type[Any]) -> str:
    """msgspec's words, with the path as it would be written in Python, and what it leaves out."""
    reason, _, path = complaint.partition(" - at `$")
    inside = path.rstrip("`").lstrip(".").replace("[...]", "")
    known = _known(form, path)
    if known and reason.startswith(NO_MORE_SAID):
        reason += f"; expected one of {', '.join(known)}"
    return f"{inside}: {reason}." if inside else f"{reason}."


def _known(form: type[Any], path: str) -> list[str]:
    """The keys of the table that the path leads to, or the words that may stand there."""
    from msgspec.inspect import StructType, type_info  # only a faulty file needs it

    found: Any = type_info(form)
    for step in STEP.findall(path):
        if isinstance(found, StructType):
            found = next(field.type for field in found.fields if field.encode_name == step)
        else:
            found = getattr(found, "item_type", None) or getattr(found, "value_type", None)
    fields = [field.encode_name for field in getattr(found, "fields", ())]
    return fields or [str(value) for value in getattr(found, "values", ())]


def _line(complaint: str, text: str) -> str:
    """ ":line" of the `[[table]]` that the complaint is about, if it is in one."""
    found = ENTRY.search(complaint.partition(" - at `$")[2])
    if not found:
        return ""
    header, wanted = f"[[{found[1]}]]", int(found[2])
    lines = [n for n, line in enumerate(text.splitlines(), 1) if line.strip() == header]
    return f":{lines[wanted]}" if wanted < len(lines) else ""
