"""What must hold between the entries of a manifest, beyond the form of each."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from string import Formatter

from tito.curriculum.modules import PACKAGE_NAME
from tito.curriculum.numbers import parse_numbers, show_numbers
from tito.curriculum.schema import ManifestFile, ModuleEntry
from tito.errors import TitoError
from tito.messages import english

EARLIER = "earlier module"


def check_manifest(manifest: ManifestFile, path: Path) -> None:
    """Raise a TitoError that names the first entry that contradicts another."""
    for fault in _faults(manifest):
        raise TitoError(f"{path}: {fault}.")


def _faults(manifest: ManifestFile) -> Iterator[str]:
    numbers = [entry.number for entry in manifest.modules]
    if numbers != list(range(1, len(numbers) + 1)):
        yield f"modules are numbered {show_numbers(numbers)}; expected 1, 2, 3, … without a gap"
    for entry in manifest.modules:
        yield from _module_faults(entry, manifest)
    yield from _export_faults(manifest)
    for milestone in manifest.milestones:
        for part in milestone.parts:
            yield from _unknown(f"{milestone.name}, {part.script}: needs", part.needs, numbers)
    yield from (f"two tracks are {name!r}" for name in _repeated(t.name for t in manifest.tracks))
    for track in manifest.tracks:
        yield from _track_faults(track.name, track.build, numbers)


def _export_faults(manifest: ManifestFile) -> Iterator[str]:
    targets = [target for entry in manifest.modules for target in entry.exports]
    yield from (f"two exports are {target!r}" for target in _repeated(targets))
    taken = sorted(set(targets) & set(manifest.packages))
    yield from (f"{target!r} is a module's file and a package too" for target in taken)
    names = [name.rpartition(":")[2] for entry in manifest.modules for name in entry.names]
    yield from (f"two modules show the name {name!r}" for name in _repeated(names))


def _module_faults(entry: ModuleEntry, manifest: ManifestFile) -> Iterator[str]:
    earlier = range(1, entry.number)
    yield from _unknown(f"{entry.folder}: requires", entry.requires, earlier, EARLIER)
    yield from _unknown(f"{entry.folder}: optional", entry.optional, earlier, EARLIER)
    if not entry.folder.startswith(f"{entry.number:02d}_"):
        yield f"{entry.folder}: number is {entry.number}; the folder should begin with it"
    homes = {target.rpartition(".")[0] for target in entry.exports}
    packages = {PACKAGE_NAME, *homes, entry.facade or ""} - {""}
    for package in sorted(packages - set(manifest.packages)):
        yield f"{entry.folder}: the package {package!r} has no line under [packages]"
    for name in entry.names:
        target = name.rpartition(":")[0]
        if target and target not in entry.exports:
            yield f"{entry.folder}: {name!r} names {target!r}, which is not among its exports"


def check_wording(sentences: Mapping[str, str], path: Path) -> None:
    """Raise a TitoError for a sentence that nothing says, or that cannot be filled in."""
    for code, sentence in sentences.items():
        fault = _wording_fault(code, sentence)
        if fault:
            raise TitoError(f"{path}: {code!r} {fault}.")


def _wording_fault(code: str, sentence: str) -> str:
    known = english().sentences
    if code not in known:
        return "is no sentence of tito/messages/english.toml"
    try:
        strange = _blanks(sentence) - _blanks(known[code])
    except ValueError as error:
        return f"cannot be filled in: {error}"
    named = ", ".join(f"{{{name}}}" for name in sorted(strange))
    return f"names {named}; the English sentence is {known[code]!r}" if strange else ""


def _blanks(sentence: str) -> set[str]:
    return {name for _, name, _, _ in Formatter().parse(sentence) if name is not None}


def _track_faults(name: str, build: str, numbers: list[int]) -> Iterator[str]:
    try:
        yield from _unknown(f"track {name}: build", parse_numbers(build), numbers)
    except ValueError as error:
        yield f"track {name}: {error}"


def _unknown(
    where: str, wanted: Iterable[int], known: Iterable[int], kind: str = "module"
) -> Iterator[str]:
    allowed = set(known)
    for number in wanted:
        if number not in allowed:
            yield f"{where} {number}, which is no {kind}"


def _repeated(names: Iterable[str]) -> list[str]:
    seen: set[str] = set()
    return [name for name in names if name in seen or seen.add(name)]  # type: ignore[func-returns-value]
