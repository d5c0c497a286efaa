"""A learner's program, loaded into a guest that is restarted when it dies."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from types import TracebackType

from tito.checks.check import is_stub_error
from tito.errors import TitoError
from tito.judge.packing import Packed
from tito.literate.cells import Cell
from tito.sandbox import Launcher, Limits, choose
from tito.sandbox.conversation import Client, GuestLost, GuestProcess

HOST_SECONDS = 20.0  # our own part in an exercise may take so much longer than the learner's


@dataclass(frozen=True)
class Step:
    """One cell to be run: its ``source`` in a ``home``, a module's dotted name.

    The home "" is the scratch pad: it sees what every home defines, and no home sees what it does.
    """

    cell: Cell
    source: str
    home: str = ""


@dataclass
class LoadFault:
    """What happened when a cell was run: an exception, or the loss of the guest."""

    cell: Cell
    error: BaseException


@dataclass
class Session:
    """One guest at a time with the learner's program in it. Use as a context manager."""

    limits: Limits = field(default_factory=Limits)
    launcher: Launcher = field(default_factory=choose)
    program: Sequence[Step] = ()
    package: Packed = field(default_factory=dict)
    faults: dict[int, LoadFault] = field(default_factory=dict)  # by cell index
    deaths: int = 0
    _client: Client | None = None
    _loaded: bool = False
    _shipped: Packed | None = None

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
        if self._client is None:
            try:
                self._client = Client(GuestProcess(self.launcher, self.limits))
            except OSError as error:
                raise _cannot_start(str(error)) from error
        return self._client

    def _stop(self) -> None:
        if self._client:
            self._client.guest.close()
        self._client = self._shipped = None
        self._loaded = False

    @property
    def exhausted(self) -> bool:
        """True when so many guests died that no further one is started."""
        return self.deaths >= self.limits.deaths

    def lost(self) -> None:
        """Note that the guest is gone; the next ``ready`` starts another."""
        self.deaths += 1
        self._stop()

    def replace(self, program: Sequence[Step]) -> None:
        """Judge another program with the same guest. Only for code we trust."""
        self.program = program
        self.faults = {}
        self.deaths = 0
        self._loaded = False

    def ready(self, limits: Limits | None = None) -> Client | None:
        """A client of a guest that has run all cells, with the clocks set; None if exhausted.

        ``limits``: other times than the session's for what is asked next.
        """
        bounds = limits or self.limits
        while client := self.loaded():
            try:
                client.clock(bounds.exercise_seconds, bounds.cpu_seconds)
                return client
            except GuestLost:
                self.lost()
        return None

    def loaded(self) -> Client | None:
        """A client of a guest that has run all cells; None if so many died that none is left.

        A cell that kills the guest is left out of the next one.
        """
        if self._client and self._client.guest.loss:  # died while a failure was being explained
            self.lost()
        while not self.exhausted:
            try:
                return self._with_program()
            except GuestLost:
                self.lost()
        return None

    def _with_program(self) -> Client:
        """A client of a guest with the program in it. Raises GuestLost."""
        client = self._start()
        if not self._loaded:
            self._prepare(client)
            client.clock(self.limits.load_seconds, self.limits.cpu_seconds)
            for step in self.program:
                self._run(client, step)
            self._loaded = True
        return client

    def _prepare(self, client: Client) -> None:
        """Give the guest the package and empty namespaces: no learner's code has run yet."""
        try:
            if self._shipped is not self.package:
                client.request("package", self.package)
                self._shipped = self.package
            client.fresh(list(dict.fromkeys(step.home for step in self.program if step.home)))
        except GuestLost as loss:
            self.lost()
            raise _cannot_start(client.guest.output.last_line()) from loss

    def _run(self, client: Client, step: Step) -> None:
        known = self.faults.get(step.cell.index)
        if known and isinstance(known.error, GuestLost):
            return
        try:
            client.request("cell", step.home, step.cell.index, step.source)
        except GuestLost as loss:
            self.faults[step.cell.index] = LoadFault(step.cell, loss)
            raise
        except Exception as error:
            self.faults[step.cell.index] = LoadFault(step.cell, error)

    def file_fault(self) -> LoadFault | None:
        """The first fault of a cell that belongs to no exercise, unless work is just unfinished."""
        own = (f for f in self.faults.values() if not f.cell.is_exercise)
        return next((fault for fault in own if not _is_unfinished(fault.error)), None)

    def exercise_fault(self, apart_from: Cell) -> LoadFault | None:
        """The first fault of another exercise's cell."""
        others = (f for f in self.faults.values() if f.cell.index != apart_from.index)
        return next((fault for fault in others if fault.cell.is_exercise), None)


def _is_unfinished(error: BaseException) -> bool:
    """Whether an exercise of this module is just not solved yet."""
    return is_stub_error(error) and not getattr(error, "importing", "")


def host_seconds(limits: Limits) -> float:
    """The time for one exercise in all, the learner's part and ours."""
    return limits.exercise_seconds + HOST_SECONDS


def _cannot_start(detail: str) -> TitoError:
    return TitoError(
        f"Python could not be started to run your code: {detail}",
        "Check the installation: tito system doctor",
    )
