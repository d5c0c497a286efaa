"""What must hold between the entries of a manifest, beyond the form of each."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

from tito.curriculum.numbers import parse_numbers, show_numbers
from tito.curriculum.schema import ManifestFile, ModuleEntry
from tito.errors import TitoError


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
    targets = [target for entry in manifest.modules for target in entry.exports]
    yield from (f"two modules export to {target!r}" for target in _repeated(targets))
    for milestone in manifest.milestones:
        for part in milestone.parts:
            yield from _unknown(f"{milestone.name}, {part.script}: needs", part.needs, numbers)
    yield from (f"two tracks are {name!r}" for name in _repeated(t.name for t in manifest.tracks))
    for track in manifest.tracks:
        yield from _track_faults(track.name, track.build, numbers)


def _module_faults(entry: ModuleEntry, manifest: ManifestFile) -> Iterator[str]:
    earlier = range(1, entry.number)
    yield from _unknown(f"{entry.folder}: requires", entry.requires, earlier)
    yield from _unknown(f"{entry.folder}: optional", entry.optional, earlier)
    if not entry.folder.startswith(f"{entry.number:02d}_"):
        yield f"{entry.folder}: number is {entry.number}; the folder should begin with it"
    packages = {target.rpartition(".")[0] for target in entry.exports} | {entry.facade or ""}
    for package in sorted(packages - {""} - set(manifest.packages)):
        yield f"{entry.folder}: the package {package!r} has no line under [packages]"
    for name in entry.names:
        target = name.rpartition(":")[0]
        if target and target not in entry.exports:
            yield f"{entry.folder}: {name!r} names {target!r}, which is not among its exports"


def _track_faults(name: str, build: str, numbers: list[int]) -> Iterator[str]:
    try:
        yield from _unknown(f"track {name}: build", parse_numbers(build), numbers)
    except ValueError as error:
        yield f"track {name}: {error}"


def _unknown(where: str, wanted: Iterable[int], known: Iterable[int]) -> Iterator[str]:
    allowed = set(known)
    for number in wanted:
        if number not in allowed:
            yield f"{where} {number}, which is no {'earlier ' if 'require' in where else ''}module"


def _repeated(names: Iterable[str]) -> list[str]:
    seen: set[str] = set()
    return [name for name in names if name in seen or seen.add(name)]  # type: ignore[func-returns-value]
