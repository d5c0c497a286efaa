"""A module's cells, loaded into a guest: restarted when it dies, and what went wrong on the way."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from types import TracebackType

from tito.checks.check import is_stub_error
from tito.errors import TitoError
from tito.judge.packing import Packed
from tito.literate.cells import Cell
from tito.sandbox.host.client import Client
from tito.sandbox.host.process import GuestLost, GuestProcess

START_SECONDS = 60.0  # for Python and NumPy to load, on a slow or busy machine


@dataclass(frozen=True)
class Limits:
    """Bounds of one judgement: seconds of wall time, megabytes, and guests that may die."""

    load_seconds: float = 10.0
    exercise_seconds: float = 10.0
    megabytes: int = 4096
    cpu_seconds: int = 300
    deaths: int = 4


@dataclass
class LoadFault:
    """What happened when a cell was run: an exception, or the loss of the guest."""

    cell: Cell
    error: BaseException


@dataclass
class Session:
    """One guest at a time with the learner's cells in it. Use as a context manager."""

    limits: Limits = field(default_factory=Limits)
    cells: Sequence[Cell] = ()
    package: Packed = field(default_factory=dict)
    faults: dict[int, LoadFault] = field(default_factory=dict)  # by cell index
    deaths: int = 0
    _guest: GuestProcess | None = None
    _link: Client | None = None
    _loaded: bool = False

    def __enter__(self) -> Session:
        self._start()  # early: NumPy loads there while we read the curriculum here
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._stop()

    def _start(self) -> Client:
        if self._link is None:
            try:
                self._guest = GuestProcess(self.limits.megabytes, self.limits.cpu_seconds)
            except OSError as error:
                raise _cannot_start(str(error)) from error
            self._guest.limit(START_SECONDS)
            self._link = Client(self._guest)
        return self._link

    def _stop(self) -> None:
        if self._guest:
            self._guest.close()
        self._guest = self._link = None
        self._loaded = False

    @property
    def exhausted(self) -> bool:
        """True when so many guests died that no further one is started."""
        return self.deaths >= self.limits.deaths

    def lost(self) -> None:
        """Note that the guest is gone; the next ``ready`` starts another."""
        self.deaths += 1
        self._stop()

    def replace(self, cells: Sequence[Cell]) -> None:
        """Judge other cells with the same guest. Only for cells we trust."""
        self.cells = cells
        self.faults = {}
        self.deaths = 0
        self._loaded = False

    def ready(self, seconds: float | None = None) -> Client | None:
        """A link to a guest that has run all cells, with the clock set; None if exhausted.

        A cell that kills the guest is left out of the next one.
        """
        if self._guest and self._guest.loss:  # died while a failure was being explained
            self.lost()
        while not self._loaded and not self.exhausted:
            self._load()
        if not self._loaded or self._link is None or self._guest is None:
            return None
        self._guest.limit(self.limits.exercise_seconds if seconds is None else seconds)
        return self._link

    def _load(self) -> None:
        link = self._prepared()
        assert self._guest is not None
        self._guest.limit(self.limits.load_seconds)
        for cell in self.cells:
            try:
                self._run(link, cell)
            except GuestLost as loss:
                self.faults[cell.index] = LoadFault(cell, loss)
                self.lost()
                return
        self._loaded = True

    def _prepared(self) -> Client:
        """A guest with the package and an empty namespace: no learner's code has run yet."""
        link = self._start()
        assert self._guest is not None
        self._guest.limit(START_SECONDS)
        try:
            if not link.requests:
                link.request("package", self.package)
            link.request("fresh")
        except GuestLost as loss:
            last = self._guest.last_words()
            self.lost()
            raise _cannot_start(last) from loss
        return link

    def _run(self, link: Client, cell: Cell) -> None:
        known = self.faults.get(cell.index)
        if known and isinstance(known.error, GuestLost):
            return
        try:
            link.request("cell", cell.index, cell.source)
        except Exception as error:
            self.faults[cell.index] = LoadFault(cell, error)

    def file_fault(self) -> LoadFault | None:
        """The first fault of a cell that belongs to no exercise, unless work is just unfinished."""
        own = (f for f in self.faults.values() if not f.cell.is_exercise)
        return next((fault for fault in own if not is_stub_error(fault.error)), None)

    def exercise_fault(self, apart_from: Cell) -> LoadFault | None:
        """The first fault of another exercise's cell."""
        others = (f for f in self.faults.values() if f.cell.index != apart_from.index)
        return next((fault for fault in others if fault.cell.is_exercise), None)


def _cannot_start(detail: str) -> TitoError:
    return TitoError(
        f"Python could not be started to run your code: {detail}",
        "Check the installation: tito system doctor",
    )
