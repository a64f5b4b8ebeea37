"""One Fairlead that has worked, and the backup that was made of it while it was busy."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from fairlead import Client
from fairlead.client import Json
from tests.e2e.running import RunningFairlead
from tests.integration.backup import content
from tests.integration.backup.commands import back_up

PAUSE_SECONDS = 0.02


@dataclass(frozen=True)
class Original:
    """A backup, and what its Fairlead showed and answered; predicted rows before it began and once it had ended."""

    backup: Path
    figures: Mapping[str, Any]
    seen: Mapping[str, Any]
    reports: Mapping[str, Json]
    answers: list[Json]
    rows_before: int
    rows_after: int


@dataclass
class Traffic:
    """Counts the rows that were answered."""

    rows: int = 0


@contextmanager
def traffic(client: Client) -> Iterator[Traffic]:
    """Send predictions without a pause meanwhile."""
    counted, stopping, failures = Traffic(), threading.Event(), list[BaseException]()
    rows = content.rows_of(client, 10)

    def send() -> None:
        try:
            while not stopping.is_set():
                client.deployments.predict("penguins", rows)
                counted.rows += len(rows)
                stopping.wait(PAUSE_SECONDS)
        except BaseException as error:  # noqa: BLE001 - raised again by the test's own thread
            failures.append(error)

    thread = threading.Thread(target=send)
    thread.start()
    try:
        yield counted
    finally:
        stopping.set()
        thread.join()
    assert not failures, failures


def back_up_under_traffic(running: RunningFairlead, folder: Path, predicted: int) -> Original:
    """Make a backup of a Fairlead that answers predictions; so many rows were predicted before."""
    with running.client() as client:
        answers = content.predictions(client)
        seen, reports = content.look(client), content.reports(client)
        predicted += len(answers)
        with traffic(client) as counted:
            while counted.rows < 50:
                pass
            before = counted.rows
            figures = back_up(running.home, folder, running.environment)
            after = counted.rows + 10
    return Original(folder, figures, seen, reports, answers, predicted + before, predicted + after)


@pytest.fixture(scope="package")
def original(tmp_path_factory: pytest.TempPathFactory) -> Original:
    folder = tmp_path_factory.mktemp("original")
    home = folder / "home"
    home.mkdir()
    running = RunningFairlead.start(home)
    try:
        with running.client() as client:
            content.work(client)
        return back_up_under_traffic(running, folder / "backup", content.FIRST_PREDICTIONS)
    finally:
        running.stop()
