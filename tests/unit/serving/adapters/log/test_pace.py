"""Work in the background gives way now and then, and does not where there is a hurry."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from services.serving.adapters.log import pace
from services.serving.adapters.log.pace import Pace


@pytest.fixture
def pauses(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The pauses made where each look at the clock finds it 0.2 ms later."""
    made: list[float] = []
    clock = iter(0.0002 * tick for tick in range(1000))
    monkeypatch.setattr(pace, "time", SimpleNamespace(monotonic=lambda: next(clock), sleep=made.append))
    return made


def test_who_has_worked_for_a_while_gives_way(pauses: list[float]) -> None:
    work = Pace(lambda: False)

    for _ in range(6):
        work.step()

    # 0.6 ms after it began, and 0.6 ms after the pause.
    assert pauses == [pace.PAUSE_SECONDS] * 2


def test_who_hurries_does_not_give_way(pauses: list[float]) -> None:
    work = Pace(lambda: True)

    for _ in range(100):
        work.step()

    assert pauses == []
