from __future__ import annotations

import os
import time
from pathlib import Path

from services.serving.adapters.batch.part_folder import ABANDONED_SECONDS, open_folder, read_plan, remove_abandoned
from services.serving.domain.batches.parts import Plan

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
