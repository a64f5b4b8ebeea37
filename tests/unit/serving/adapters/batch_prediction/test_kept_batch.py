"""A batch prediction whose disk is gone: the next attempt finds its plan and its parts, as far as they go together."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from fairlead.kit.blobs import open_blob_store
from fairlead.kit.errors import Unavailable
from fairlead.kit.tasks import Checkpoints
from services.serving.adapters.batch_prediction.kept_batch import KeptBatch
from services.serving.adapters.batch_prediction.part_folder import PartFolder
from services.serving.domain.batch_prediction.parts import Part, Plan, Tally

PLAN = Plan("sha256/x", "csv", "v/1", "models/m", "parquet", 8, 4, "pyarrow 1")
OTHER = replace(PLAN, model_version="v/2")


def part(index: int, faults: bytes = b"") -> Part:
    sums = [hashlib.sha256(data).hexdigest() if data else "" for data in (b"data", faults)]
    return Part(index, index, index + 1, 1, Tally(1), len(faults), (), *sums)


PARTS = [part(0), part(1, b"faults"), part(2)]


@pytest.fixture
def checkpoints(tmp_path: Path) -> Checkpoints:
    return Checkpoints(open_blob_store(f"file://{tmp_path}/blobs", tmp_path / "cache"), "projects/p/tasks/t1")


@pytest.fixture
def interrupted(checkpoints: Checkpoints, tmp_path: Path) -> None:
    """An attempt that finished three parts on a disk of its own."""
    kept = KeptBatch(checkpoints)
    kept.begin(PLAN)
    with pytest.raises(SystemExit), kept.parts(new_folder(tmp_path / "first"), PLAN) as parts:
        for each in PARTS:
            parts.keep(each, b"data", b"faults" if each.faults_sha256 else b"")
        raise SystemExit(143)


def new_folder(path: Path, plan: Plan = PLAN) -> PartFolder:
    folder = PartFolder(path)
    folder.begin(plan)
    return folder


@pytest.fixture
def found(checkpoints: Checkpoints, tmp_path: Path) -> Callable[..., list[Part | int]]:
    """What an attempt on another disk finds finished."""

    def find(plan: Plan = PLAN, given: Checkpoints = checkpoints) -> list[Part | int]:
        with KeptBatch(given).parts(new_folder(tmp_path / "second", plan), plan) as parts:
            return [*parts.finished()]

    return find


Found = Callable[..., list[Part | int]]


@pytest.mark.usefixtures("interrupted")
def test_another_attempt_finds_the_plan_and_the_parts(checkpoints: Checkpoints, found: Found, tmp_path: Path) -> None:
    assert KeptBatch(checkpoints).plan() == PLAN
    assert found() == PARTS
    second = PartFolder(tmp_path / "second")
    assert second.file(2).read_bytes() == b"data"
    assert second.faults_file(1).read_bytes() == b"faults"
    assert not [*second.path.glob("*.draft")]


@pytest.mark.usefixtures("interrupted")
def test_parts_that_are_brought_take_the_disk_once(found: Found, tmp_path: Path) -> None:
    found()
    assert PartFolder(tmp_path / "second").file(0).stat().st_nlink == 2


def test_the_first_attempt_finds_nothing(checkpoints: Checkpoints, found: Found) -> None:
    assert KeptBatch(checkpoints).plan() is None
    assert found() == []


@pytest.mark.usefixtures("interrupted")
def test_parts_behind_one_that_is_missing_are_not_brought(
    checkpoints: Checkpoints, found: Found, tmp_path: Path
) -> None:
    without_one = [name for name in checkpoints.names() if not name.endswith("-000001")]

    class Lacking(Checkpoints):
        def names(self) -> list[str]:
            return without_one

    blobs = open_blob_store(f"file://{tmp_path}/blobs", tmp_path / "cache")
    assert found(given=Lacking(blobs, "t1")) == PARTS[:1]
    assert not PartFolder(tmp_path / "second").record(2).exists()


@pytest.mark.usefixtures("interrupted")
def test_parts_of_another_plan_are_not_taken_up(found: Found) -> None:
    assert found(OTHER) == []


@pytest.mark.usefixtures("interrupted")
def test_a_part_that_is_damaged_is_made_again_with_those_behind_it(checkpoints: Checkpoints, found: Found) -> None:
    (entry,) = [name for name in checkpoints.names() if name.endswith("-000001")]
    files = {path.name: path.read_bytes() for path in checkpoints.fetch(entry).iterdir()}
    checkpoints.put(entry, files | {"part-000001": b"other"})

    assert found() == [PARTS[0], 1]


@pytest.mark.usefixtures("interrupted")
def test_parts_that_are_on_this_disk_are_not_brought(
    checkpoints: Checkpoints, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = new_folder(tmp_path / "here")
    folder.keep(PARTS[0], b"data")

    with KeptBatch(checkpoints).parts(folder, PLAN) as parts:
        assert [*parts.finished()] == PARTS[:1]


class Away(Checkpoints):
    """A blob store that can't be reached."""

    def names(self) -> list[str]:
        raise Unavailable("S3 can't be reached")

    def fetch(self, name: str) -> Path:
        raise Unavailable("S3 can't be reached")

    def put(self, name: str, files: object) -> None:
        raise Unavailable("S3 can't be reached")


def test_work_goes_on_where_nothing_can_be_kept_or_brought(
    tmp_path: Path, found: Found, capsys: pytest.CaptureFixture[str]
) -> None:
    away = Away(open_blob_store(f"file://{tmp_path}/blobs", tmp_path / "cache"), "t1")
    kept = KeptBatch(away)

    assert kept.plan() is None
    kept.begin(PLAN)
    assert found(given=away) == []
    with kept.parts(new_folder(tmp_path / "third"), PLAN) as parts:
        parts.keep(PARTS[0], b"data")
        assert [*parts.finished()] == PARTS[:1]

    told = "".join(capsys.readouterr())
    assert "what an earlier attempt began with" in told
    assert "they are made again" in told
