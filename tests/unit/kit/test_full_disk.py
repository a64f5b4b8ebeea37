"""A full disk is told in a sentence."""

from __future__ import annotations

from pathlib import Path

import pytest

from fairlead.kit.errors import ResourceExhausted
from fairlead.kit.full_disk import room_needed


def test_a_full_disk_is_told_with_the_folder(tmp_path: Path) -> None:
    with (
        pytest.raises(ResourceExhausted, match=f"the disk of {tmp_path} is full; free some space"),
        room_needed(tmp_path),
        Path("/dev/full").open("wb", buffering=0) as full,
    ):
        full.write(b"x")


def test_other_failures_are_left_as_they_are(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError), room_needed(tmp_path):
        (tmp_path / "absent").read_bytes()
