"""A backup that is not whole is not restored, and nothing is restored over what is there."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from fairlead.admin.backup import back_up, restore, verify
from fairlead.admin.backup import manifest as manifests
from fairlead.admin.backup.errors import Damaged, NotEmpty
from fairlead.admin.backup.failures import told
from fairlead.admin.backup.migrations import make_tables
from fairlead.kit import backends
from fairlead.kit.errors import FailedPrecondition, FairleadError, Internal
from fairlead.kit.events import topics
from fairlead.up import home as homes
from tests.integration.backup import small
from tests.integration.backup.commands import fairlead, refusal

Harm = Callable[[Path], object]


@pytest.fixture
def backup(tmp_path: Path) -> Path:
    settings = small.place(tmp_path / "original")
    small.fill(settings)
    back_up(settings, tmp_path / "backup", small.said)
    return tmp_path / "backup"


def a_file(backup: Path) -> Path:
    return next(backup.glob("databases/gateway/projects*"))


def flip_a_bit(backup: Path) -> None:
    path = a_file(backup)
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


def alter_manifest(backup: Path) -> None:
    path = backup / "manifest.json"
    path.write_text(path.read_text().replace('"rows": 1,', '"rows": 2,', 1))


def name_a_file_outside(backup: Path) -> None:
    manifest = manifests.read(backup)
    outside = replace(manifest.files[0], path="artifacts/../../outside")
    manifests.write(backup, replace(manifest, files=(*manifest.files, outside)))


def leave_a_file_out(backup: Path) -> None:
    manifest = manifests.read(backup)
    kept = tuple(file for file in manifest.files if "gateway/projects" not in file.path)
    manifests.write(backup, replace(manifest, files=kept))


def raise_format(backup: Path) -> None:
    path = backup / "manifest.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "format": 2}))


@pytest.mark.parametrize(
    ("harm", "says"),
    [
        (flip_a_bit, "databases/gateway/projects.jsonl.zst has other bytes than it had"),
        (lambda backup: a_file(backup).unlink(), "databases/gateway/projects.jsonl.zst is missing"),
        (lambda backup: a_file(backup).write_bytes(b""), "projects.jsonl.zst has 0 bytes and had"),
        (lambda backup: (backup / "manifest.json").unlink(), "holds no manifest.json"),
        (lambda backup: (backup / "manifest.json").write_text("{"), "can't be read"),
        (alter_manifest, "is not as it was written"),
        (name_a_file_outside, "artifacts/../../outside is not a path within the backup"),
        (leave_a_file_out, "its list of files lacks databases/gateway/projects.jsonl.zst"),
        (raise_format, "has format 2 and this Fairlead reads format 1"),
    ],
)
def test_a_backup_that_is_not_whole_is_refused_before_anything_is_written(
    backup: Path, tmp_path: Path, harm: Harm, says: str
) -> None:
    harm(backup)

    with pytest.raises(FairleadError, match=says):
        verify(backup)
    with pytest.raises(FairleadError, match=says):
        restore(small.place(tmp_path / "target"), backup, small.said)
    assert not (tmp_path / "target").exists()


def test_a_target_that_is_not_empty_is_refused_with_what_is_there(backup: Path, tmp_path: Path) -> None:
    target = small.place(tmp_path / "target")
    restore(target, backup, small.said)

    with pytest.raises(NotEmpty, match=r"1 rows in gateway's table projects|1 rows in conductor's table workflows"):
        restore(target, backup, small.said)


def test_a_target_with_blobs_only_is_refused(backup: Path, tmp_path: Path) -> None:
    target = small.place(tmp_path / "target")
    key = backends.blob_store(target).put_bytes(b"mine").key

    with pytest.raises(NotEmpty, match=f"blobs such as {key}"):
        restore(target, backup, small.said)


def test_a_target_that_was_only_started_is_empty(backup: Path, tmp_path: Path) -> None:
    target = small.place(tmp_path / "target")
    make_tables(small.database(target, "gateway"), ())
    small.insert(target, "gateway", "projects", id="default", display_name="", create_time=small.MADE)
    small.subscribe_all(target)

    restore(target, backup, small.said)

    assert [project["id"] for project in small.rows(target, "gateway", "projects")] == ["p"]
    assert small.next_events(target, topics.PREDICTIONS, "drift") == [
        f"id-{i}" for i in range(small.DONE, small.EVENTS)
    ]


def test_what_sqlite_refuses_is_told_in_a_sentence() -> None:
    with pytest.raises(Internal, match="SQLite refused a statement: no such table: t"), told():
        sqlite3.connect(":memory:").execute("SELECT * FROM t")


def test_a_running_fairlead_is_refused(backup: Path, tmp_path: Path) -> None:
    (tmp_path / "target").mkdir()
    lock = homes.lock(tmp_path / "target")
    assert lock is not None

    with lock, pytest.raises(FailedPrecondition, match="Fairlead runs with home"):
        restore(small.place(tmp_path / "target"), backup, small.said)


def test_a_restore_that_died_can_be_begun_again(backup: Path, tmp_path: Path) -> None:
    target = small.place(tmp_path / "target")
    target.home.mkdir()
    obstacle = target.home / "serving"
    # The last thing that a restore makes there.
    obstacle.write_text("in the way")
    with pytest.raises(OSError, match="serving"):
        restore(target, backup, small.said)
    obstacle.unlink()

    with pytest.raises(FailedPrecondition, match=r"began here at .* and did not end"):
        back_up(target, tmp_path / "of a half", small.said)
    restore(target, backup, small.said)

    assert len(small.rows(target, "gateway", "projects")) == 1
    assert len(small.events(target, "fairlead.predictions")) == small.EVENTS
    assert not list(target.home.glob("restore-under-way*"))


def test_another_backup_is_not_mixed_in(backup: Path, tmp_path: Path) -> None:
    target = small.place(tmp_path / "target")
    target.home.mkdir()
    (target.home / "serving").write_text("in the way")
    with pytest.raises(OSError, match="serving"):
        restore(target, backup, small.said)
    other = tmp_path / "other"
    back_up(small.place(tmp_path / "original"), other, small.said)

    with pytest.raises(FailedPrecondition, match="a restore of another backup"):
        restore(target, other, small.said)


def test_a_folder_that_is_not_empty_is_not_written_into(tmp_path: Path) -> None:
    settings = small.place(tmp_path / "original")
    small.fill(settings)
    (tmp_path / "backup").mkdir()
    (tmp_path / "backup" / "mine").write_text("mine")

    with pytest.raises(NotEmpty, match="is there already"):
        back_up(settings, tmp_path / "backup", small.said)
    assert [path.name for path in (tmp_path / "backup").iterdir()] == ["mine"]


def test_a_backup_that_fails_leaves_nothing(tmp_path: Path) -> None:
    settings = small.place(tmp_path / "original")
    path = backends.blob_store(settings).fetch(small.fill(settings))
    path.chmod(0o644)
    path.write_bytes(b"rot")

    with pytest.raises(Damaged, match="has other bytes in the store than it had when it was stored"):
        back_up(settings, tmp_path / "backup", small.said)
    assert not (tmp_path / "backup").exists()


def test_commands_say_what_is_wrong_in_a_sentence(backup: Path, tmp_path: Path) -> None:
    home = tmp_path / "original"
    flip_a_bit(backup)

    assert "is damaged" in refusal("backup", "--verify", backup)
    assert "there is no Fairlead in" in refusal("backup", tmp_path / "new", "--home", tmp_path / "elsewhere")
    assert "there is no folder" in refusal("restore", tmp_path / "typo", "--home", tmp_path / "target")
    away = {"FAIRLEAD_DATABASE_URL": "postgresql://u:secret@127.0.0.1:1/d"}
    told = refusal("backup", tmp_path / "new", "--home", home, environment=away)
    assert "away" in told
    assert "secret" not in told


def test_a_backup_that_is_whole_is_told_in_figures(tmp_path: Path) -> None:
    small.fill(small.place(tmp_path / "home"))

    made = fairlead("backup", tmp_path / "backup", "--home", tmp_path / "home")
    checked = fairlead("backup", "--verify", tmp_path / "backup", "--json")

    assert "3 databases" in made.stdout
    assert "10 events" in made.stdout
    assert json.loads(checked.stdout)["blobs"] == 1
