"""What is in the tables, the log and the journal is there again, on the same kind of database and on the other."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from fairlead.admin.backup import BackupSettings, back_up, restore
from fairlead.admin.backup.dump import NamedBlobs
from fairlead.admin.backup.manifest import Manifest
from fairlead.admin.backup.settings import Database
from fairlead.kit import backends
from fairlead.kit.errors import FailedPrecondition
from fairlead.kit.events import topics
from fairlead.kit.tasks import Checkpoints
from tests.integration.backup import small
from tests.integration.backup.holding import contents
from tests.servers.postgres import Postgres


@pytest.fixture(scope="module")
def databases(postgres_server: Postgres) -> Iterator[list[str]]:
    """The URLs of databases that the tests share among them."""
    made: list[str] = []
    yield made
    for url in made:
        postgres_server.drop(url)


Moved = tuple[BackupSettings, BackupSettings, Manifest, str]


@pytest.fixture(
    scope="module",
    params=[("sqlite", "sqlite"), ("sqlite", "postgresql"), ("postgresql", "sqlite"), ("postgresql", "postgresql")],
    ids=lambda kinds: f"{kinds[0]}-to-{kinds[1]}",
)
def moved(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, databases: list[str]) -> Moved:
    """An installation, the one that it was restored into, the backup between them, and the key of a blob."""

    def url(kind: str) -> str:
        if kind == "sqlite":
            return ""
        server: Postgres = request.getfixturevalue("postgres_server")
        databases.append(server.new_database())
        return databases[-1]

    folder = tmp_path_factory.mktemp("moved")
    before, after = (small.place(folder / name, url(kind)) for name, kind in zip("ab", request.param, strict=True))
    key = small.fill(before)
    manifest = back_up(before, folder / "backup", small.said)
    restore(after, folder / "backup", small.said)
    return before, after, manifest, key


def test_rows_are_there_again(moved: Moved) -> None:
    before, after, _, _ = moved

    (project,) = small.rows(after, "gateway", "projects")
    assert project["display_name"] == "naïve 数据"
    assert project["create_time"].replace(tzinfo=None) == small.MADE.replace(tzinfo=None)
    (record,) = small.rows(after, "gateway", "task_records")
    (expected,) = small.rows(before, "gateway", "task_records")
    assert record == expected
    assert record["time_us"] == 2**62
    assert record["ended"] is True


def test_a_backup_of_the_restored_one_holds_the_same_rows_and_blobs(moved: Moved, tmp_path: Path) -> None:
    before, after, _, _ = moved
    back_up(after, tmp_path / "again", small.said)

    expected, found = contents(before.home.parent / "backup"), contents(tmp_path / "again")

    # What waited for Kafka is in the log now.
    assert found.pop(topics.ALERTS) == small.WAITING
    assert found == expected


def test_json_is_there_again(moved: Moved) -> None:
    (workflow,) = small.rows(moved[1], "conductor", "workflows")

    assert json.loads(workflow["relayed"]) == {"t": [1, 2], "n": None}


def test_a_number_that_was_given_is_not_given_again(moved: Moved) -> None:
    assert small.next_number(moved[1]) == 2


def test_events_have_their_ids_and_groups_go_on_where_they_were(moved: Moved) -> None:
    after = moved[1]

    assert small.events(after, topics.PREDICTIONS) == [(i + 1, f"id-{i}") for i in range(small.EVENTS)]
    assert small.next_events(after, topics.PREDICTIONS, "drift") == [f"id-{i}" for i in range(small.DONE, small.EVENTS)]


def test_what_waited_for_kafka_is_in_the_log(moved: Moved) -> None:
    assert [name for _, name in small.events(moved[1], topics.ALERTS)] == [f"waits-{i}" for i in range(small.WAITING)]


def test_predictions_that_were_not_published_are_published_at_the_next_start(moved: Moved) -> None:
    assert (moved[1].journal / "000000000007.sealed").read_bytes() == small.SEGMENT


def test_blobs_and_folders_are_there_again(moved: Moved) -> None:
    _, after, manifest, key = moved
    store = backends.blob_store(after)

    assert store.fetch(key).read_bytes() == b"a blob"
    assert (store.fetch_folder("models/default/m/t1") / "model.onnx").read_bytes() == b"\x08\x07"
    assert manifest.blobs.missing == ()


def test_a_blob_or_package_that_a_row_names_and_the_store_lacks_is_told(tmp_path: Path) -> None:
    settings = small.place(tmp_path / "home")
    key = small.fill(settings)
    small.deploy(settings, "there", "models/default/m/t1")
    small.deploy(settings, "gone", "models/default/m/t2")
    backends.blob_store(settings).delete(key)

    manifest = back_up(settings, tmp_path / "backup", small.said)

    assert manifest.blobs.missing == ("models/default/m/t2", key)


def test_a_package_that_mlflow_names_is_known() -> None:
    named = NamedBlobs()

    named.look(["name", "key", "value"], ["default.m", "fairlead.package_blob", "models/default/m/t1"])
    named.look(["name", "key", "value"], ["default.m", "mine", "models/default/m/t2"])

    assert named.keys == {"models/default/m/t1"}


def test_an_event_that_enters_a_spool_as_the_databases_are_looked_at_is_in_the_backup(tmp_path: Path) -> None:
    """Its row says that it is published, and it is not in Kafka yet."""

    class Busy(BackupSettings):
        """Something is put into a spool just before the databases' moment."""

        @property
        def databases(self) -> tuple[Database, ...]:
            """Return the databases, once the event waits."""
            small.spool(self, "late")
            return super().databases

    settings = small.place(tmp_path / "home")
    small.fill(settings)
    busy = Busy(**settings.model_dump(include={"home", "database_url", "events_url", "blobs_url"}))

    manifest = back_up(busy, tmp_path / "backup", small.said)

    assert sum(dump.events for dump in manifest.waiting) == small.WAITING + 1


def test_a_backup_of_an_earlier_fairlead_is_migrated(tmp_path: Path) -> None:
    before, after = small.place(tmp_path / "a"), small.place(tmp_path / "b")
    small.fill(before, gateway_revisions=("gateway_0001",))

    manifest = back_up(before, tmp_path / "backup", small.said)
    restore(after, tmp_path / "backup", small.said)
    again = back_up(after, tmp_path / "again", small.said)

    assert small.revisions(manifest, "gateway") == ("gateway_0001",)
    assert small.revisions(again, "gateway") > ("gateway_0001",)
    assert len(small.rows(after, "gateway", "projects")) == 1


def test_a_backup_of_a_later_fairlead_is_refused(tmp_path: Path) -> None:
    import sqlalchemy as sa

    before = small.place(tmp_path / "a")
    small.fill(before)
    engine = small.open_named(before, "gateway")
    with engine.begin() as connection:
        connection.execute(sa.text("UPDATE alembic_version SET version_num = 'gateway_9999'"))
    back_up(before, tmp_path / "backup", small.said)

    with pytest.raises(FailedPrecondition, match="gateway_9999, which this Fairlead does not know"):
        restore(small.place(tmp_path / "b"), tmp_path / "backup", small.said)


def test_what_an_attempt_under_way_had_kept_is_there_for_the_next_one(tmp_path: Path) -> None:
    before, after = small.place(tmp_path / "a"), small.place(tmp_path / "b")
    small.fill(before)
    task = "projects/p/tasks/t1"
    Checkpoints(backends.blob_store(before), task).put("linear-1", {"trial.npz": b"a trial"})

    back_up(before, tmp_path / "backup", small.said)
    restore(after, tmp_path / "backup", small.said)

    restored = Checkpoints(backends.blob_store(after), task)
    assert restored.names() == ["linear-1"]
    assert (restored.fetch("linear-1") / "trial.npz").read_bytes() == b"a trial"


def test_positions_alone_can_be_backed_up(tmp_path: Path) -> None:
    settings = small.place(tmp_path / "home")
    small.fill(settings)

    manifest = back_up(settings, tmp_path / "backup", small.said, with_events=False)

    (position,) = manifest.events.groups
    assert (position.group, position.offset) == ("drift", small.DONE)
    assert not list((tmp_path / "backup").glob("events/*"))
