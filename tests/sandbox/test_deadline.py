"""The host's own deadline."""

from __future__ import annotations

import threading
import time

import pytest

from tito.sandbox.conversation import GuestLost, host_deadline


def test_endless_work_of_ours_ends():
    with pytest.raises(GuestLost) as caught, host_deadline(0.2):
        while True:
            try:
                sum(range(1000))
            except Exception:
                raise AssertionError("the end of time is no Exception") from None
    assert caught.value.kind == "host" and "0.2 s" in caught.value.reason


def test_in_time_is_nothing():
    for _ in range(200):
        with host_deadline(60):
            pass
    assert threading.active_count() < 50


def test_other_errors_pass_through():
    with pytest.raises(ValueError, match="mine"), host_deadline(60):
        raise ValueError("mine")


def test_a_deadline_at_the_very_end_harms_nobody():
    late = 0
    for number in range(300):
        end = time.perf_counter() + 0.002
        try:
            with host_deadline(0.002 + (number % 7 - 3) / 10_000):
                while time.perf_counter() < end:
                    pass
        except GuestLost:
            late += 1
    for _ in range(10_000):  # nothing is on its way any more
        sum(())
    assert 0 <= late <= 300


def test_each_thread_has_its_own():
    found = []

    def work() -> None:
        try:
            with host_deadline(0.2):
                while True:
                    pass
        except GuestLost as loss:
            found.append(loss.kind)

    thread = threading.Thread(target=work)
    thread.start()
    thread.join(timeout=20)
    assert found == ["host"]
