"""What one guest may use."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Limits:
    """Bounds of one guest, and of what it is asked to do.

    ``load_seconds``, ``exercise_seconds``: wall time for all cells, for one exercise.
    ``cpu_seconds``: processor time for either; ``total_cpu_seconds``: of the guest's whole life.
    ``megabytes``: address space of each process; ``file_megabytes``: of each file, and of all
    files where the isolation can bound that; ``processes``: at one time, on Linux.
    ``deaths``: guests that may die before no further one is started.
    """

    load_seconds: float = 10.0
    exercise_seconds: float = 10.0
    cpu_seconds: float = 15.0
    total_cpu_seconds: int = 300
    megabytes: int = 4096
    file_megabytes: int = 256
    processes: int = 64
    deaths: int = 4
