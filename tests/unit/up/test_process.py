from __future__ import annotations

import os
import signal
import time
from pathlib import Path

import pytest

from fairlead.up.process import LOG_LIMIT_BYTES, ServiceProcess, describe_status, pause_before_start

# A module that runs until told to stop, and one that ends at once.
STAYS = "tests.unit.up.stays"
ENDS = "tests.unit.up.ends"


def process(module: str, tmp_path: Path) -> ServiceProcess:
    return ServiceProcess("thing", module, os.environ, tmp_path / "thing.log")


def wait_for_text(log: Path, text: str) -> None:
    deadline = time.monotonic() + 10
    while not log.exists() or text not in log.read_text():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def look_after_until_it_says(service: ServiceProcess, text: str) -> str:
    deadline = time.monotonic() + 10
    while text not in (said := service.look_after() or ""):
        assert time.monotonic() < deadline
        time.sleep(0.02)
    return said


def test_a_process_that_was_killed_is_started_again(tmp_path: Path) -> None:
    service = process(STAYS, tmp_path)
    service.start()
    wait_for_text(service.log, "ready")
    first = service.pid
    assert first is not None

    os.kill(first, signal.SIGKILL)

    assert "signal 9 SIGKILL" in look_after_until_it_says(service, "ended")
    look_after_until_it_says(service, "started again")
    assert service.pid not in (None, first)
    service.ask_to_stop()
    assert service.wait_or_kill(10)


def test_a_process_that_keeps_ending_is_given_pauses(tmp_path: Path) -> None:
    service = process(ENDS, tmp_path)
    service.start()

    look_after_until_it_says(service, "exit status 3")
    look_after_until_it_says(service, "started again")
    look_after_until_it_says(service, "exit status 3")

    assert service.look_after() is None
    assert service.pid is None


def test_a_process_that_does_not_stop_is_killed(tmp_path: Path) -> None:
    service = process("tests.unit.up.deaf", tmp_path)
    service.start()
    wait_for_text(service.log, "ready")

    service.ask_to_stop()

    assert not service.wait_or_kill(0.3)
    assert service.pid is None


def test_a_log_that_grew_long_is_set_aside(tmp_path: Path) -> None:
    service = process(STAYS, tmp_path)
    service.log.write_bytes(b"x" * (LOG_LIMIT_BYTES + 1))

    service.start()

    assert (tmp_path / "thing.log.1").stat().st_size == LOG_LIMIT_BYTES + 1
    assert service.wait_or_kill(0.0) is False


def test_stopping_what_never_started_is_fine(tmp_path: Path) -> None:
    service = process(STAYS, tmp_path)

    service.ask_to_stop()

    assert service.wait_or_kill(1)
    assert service.look_after() is None


@pytest.mark.parametrize(("ends", "pause"), [(1, 0.0), (2, 1.0), (3, 2.0), (4, 4.0), (20, 30.0)])
def test_pauses_grow_up_to_half_a_minute(ends: int, pause: float) -> None:
    assert pause_before_start(ends) == pause


@pytest.mark.parametrize(("status", "words"), [(0, "exit status 0"), (3, "exit status 3"), (-9, "signal 9 SIGKILL")])
def test_statuses_are_told_in_words(status: int, words: str) -> None:
    assert describe_status(status) == words
