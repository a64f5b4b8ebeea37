"""A door for each test."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.unit.serving.doors.http2.caller import Caller
from tests.unit.serving.doors.http2.door import Door


@pytest.fixture
def door(tmp_path: Path) -> Iterator[Door]:
    door = Door(tmp_path)
    yield door
    door.close()


@pytest.fixture
def caller(door: Door) -> Caller:
    return door.caller()
