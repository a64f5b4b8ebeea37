from __future__ import annotations

import hashlib
import os
import time
from pathlib import Path

from services.serving.adapters.batch_prediction.part_folder import (
    ABANDONED_SECONDS,
    PartFolder,
    open_folder,
    read_plan,
    remove_abandoned,
)
from services.serving.domain.batch_prediction.parts import Part, Plan, Tally

PLAN = Plan("sha256/x", "csv", "v/1", "models/m", "parquet", 8, 4, "pyarrow 1")


def test_tasks_that_ask_for_the_same_share_a_folder_one_after_the_other(tmp_path: Path) -> None:
    with open_folder(tmp_path, PLAN, "t1") as first:
        (first.path / "part-000000").write_bytes(b"done")
        with open_folder(tmp_path, PLAN, "t2") as second:
            assert second.path != first.path
            assert not (second.path / "part-000000").exists()
    with open_folder(tmp_path, PLAN, "t3") as third:
        assert (third.path / "part-000000").read_bytes() == b"done"
        third.remove()
    with open_folder(tmp_path, PLAN, "t4") as fourth:
        assert not (fourth.path / "part-000000").exists()


def test_a_folder_whose_plan_can_not_be_read_is_begun_anew(tmp_path: Path) -> None:
    with open_folder(tmp_path, PLAN, "t1") as folder:
        (folder.path / "part-000000").write_bytes(b"done")
        (folder.path / "plan.json").write_text("{")
    with open_folder(tmp_path, PLAN, "t2") as folder:
        assert not (folder.path / "part-000000").exists()
        assert read_plan(folder.path / "plan.json") == PLAN


def test_what_nobody_comes_back_for_is_removed(tmp_path: Path) -> None:
    old, young, file = tmp_path / "old", tmp_path / "young", tmp_path / "t1.json"
    for folder in (old, young):
        folder.mkdir()
        (folder / "part-000000").write_bytes(b"done")
    file.write_text("{}")
    long_ago = time.time() - ABANDONED_SECONDS - 60
    for path in (old, file):
        os.utime(path, (long_ago, long_ago))

    remove_abandoned(tmp_path)

    assert [path.name for path in tmp_path.iterdir()] == ["young"]
    remove_abandoned(tmp_path / "absent")


def part(index: int, faults: bytes = b"") -> Part:
    sums = [hashlib.sha256(data).hexdigest() if data else "" for data in (b"data", faults)]
    return Part(index, index, index + 1, 1, Tally(1), len(faults), (), *sums)


def test_what_a_killed_process_was_writing_is_removed_and_its_parts_are_kept(tmp_path: Path) -> None:
    with open_folder(tmp_path, PLAN, "t1") as folder:
        folder.keep(part(0), b"data")
        (folder.path / "part-000001.123.draft").write_bytes(b"half")
    with open_folder(tmp_path, PLAN, "t2") as folder:
        assert [*folder.finished()] == [part(0)]
        assert not [*folder.path.glob("*.draft")]


def test_a_part_whose_faults_are_damaged_is_not_whole(tmp_path: Path) -> None:
    folder = PartFolder(tmp_path)
    folder.keep(part(0), b"data")
    folder.keep(part(1, b"faults"), b"data", b"faults")
    assert [*folder.finished()] == [part(0), part(1, b"faults")]
    folder.faults_file(1).write_bytes(b"other")
    assert [*folder.finished()] == [part(0), 1]


def test_left_for_another_attempt_are_the_parts_it_can_take_up_and_nothing_else(tmp_path: Path) -> None:
    with open_folder(tmp_path, PLAN, "t1") as folder:
        folder.keep(part(0, b"faults"), b"data", b"faults")
        folder.keep(part(2), b"data")
        (folder.path / "result.parquet").write_bytes(b"half")
        folder.leave()
        names = sorted(path.name for path in folder.path.iterdir())
        assert names == ["lock", "part-000000", "part-000000.faults", "part-000000.json", "plan.json"]


def test_without_a_part_to_take_up_nothing_is_left(tmp_path: Path) -> None:
    with open_folder(tmp_path, PLAN, "t1") as folder:
        folder.keep(part(1), b"data")
        folder.leave()
    assert not [*tmp_path.iterdir()]
