"""From a laptop to PostgreSQL, S3 and Kafka, from there to another database and bucket, and back to a laptop."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from fairlead import Client
from fairlead.kit.database import schema_url
from tests.e2e.running import RunningFairlead
from tests.integration.backup import content
from tests.integration.backup.commands import back_up, refusal, restore
from tests.integration.backup.conftest import Original, back_up_under_traffic
from tests.servers.kafka import KafkaBroker
from tests.servers.postgres import Postgres
from tests.servers.s3 import S3Server
from tests.waiting import until

Environment = Mapping[str, str]


@pytest.fixture(scope="module")
def broker() -> Iterator[KafkaBroker]:
    """A broker of these tests' own: the names of the topics are fixed."""
    with KafkaBroker() as broker:
        yield broker


@pytest.fixture(scope="module")
def places(broker: KafkaBroker, postgres_server: Postgres, s3_server: S3Server) -> Iterator[list[Environment]]:
    """Two sets of back ends: each with its own database and bucket, both with the same Kafka."""
    databases = [postgres_server.new_database() for _ in range(2)]
    buckets = [s3_server.new_bucket() for _ in range(2)]
    yield [
        {
            "FAIRLEAD_DATABASE_URL": database,
            "FAIRLEAD_BLOBS_URL": f"s3://{bucket}/fairlead",
            "FAIRLEAD_S3_ENDPOINT_URL": s3_server.endpoint,
            "FAIRLEAD_EVENTS_URL": f"kafka://{broker.bootstrap}",
            **s3_server.environment,
        }
        for database, bucket in zip(databases, buckets, strict=True)
    ]
    for database in databases:
        postgres_server.drop(database)
    for bucket in buckets:
        s3_server.drop(bucket)


@pytest.fixture(scope="module")
def moved(
    original: Original, places: list[Environment], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[RunningFairlead]:
    """The embedded Fairlead's backup, restored into real back ends and started there."""
    home = tmp_path_factory.mktemp("moved") / "home"
    restore(original.backup, home, places[0])
    running = RunningFairlead.start(home, environment=places[0])
    yield running
    running.stop()


@pytest.fixture(scope="module")
def moved_client(moved: RunningFairlead) -> Iterator[Client]:
    with moved.client() as client:
        yield client


def test_everything_moves_from_a_laptop_to_real_back_ends(original: Original, moved_client: Client) -> None:
    seen = content.look(moved_client)

    for what, expected in original.seen.items():
        assert seen[what] == expected, what
    assert content.predictions(moved_client) == original.answers


def test_no_prediction_is_lost_or_counted_twice_on_the_way(original: Original, moved_client: Client) -> None:
    until(lambda: content.prediction_count(moved_client) >= original.rows_before, "every prediction before the backup")

    assert content.prediction_count(moved_client) <= original.rows_after + len(original.answers)


def test_new_work_goes_on_there(moved_client: Client) -> None:
    moved_client.datasets.upload(content.PENGUINS, "penguins-again")
    workflow = moved_client.workflows.start(
        "penguins-again", target="species", budget=content.BUDGET, families=["linear"], model_id="penguins"
    )

    ended = moved_client.workflows.wait(workflow["name"])

    assert ended["model_version"] == "projects/default/models/penguins/versions/2"


@pytest.fixture(scope="module")
def second(
    moved: RunningFairlead, moved_client: Client, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Original]:
    """A backup of the busy Fairlead on real back ends, which then stops."""
    until(lambda: content.prediction_count(moved_client) == content.prediction_count(moved_client), "a quiet moment")
    predicted = content.prediction_count(moved_client)
    yield back_up_under_traffic(moved, tmp_path_factory.mktemp("second") / "backup", predicted)


def test_a_restore_beside_a_running_fairlead_is_refused(
    second: Original, places: list[Environment], tmp_path: Path
) -> None:
    """Its services consume from the Kafka whose groups the restore would set back."""
    assert "services of Fairlead are running" in refusal(
        "restore", second.backup, "--home", tmp_path / "home", environment=places[1]
    )


@pytest.fixture(scope="module")
def again(
    second: Original, moved: RunningFairlead, places: list[Environment], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[RunningFairlead]:
    """The backup of the real back ends, restored into another database and bucket beside the same Kafka."""
    moved.stop()
    home = tmp_path_factory.mktemp("again") / "home"
    restore(second.backup, home, places[1])
    running = RunningFairlead.start(home, environment=places[1])
    yield running
    running.stop()


def test_everything_is_there_again_in_another_database_and_bucket(second: Original, again: RunningFairlead) -> None:
    with again.client() as client:
        seen, answers = content.look(client), content.predictions(client)
        until(lambda: content.prediction_count(client) >= second.rows_before, "every prediction before the backup")

    for what, expected in second.seen.items():
        assert seen[what] == expected, what
    assert answers == second.answers


def test_mlflow_finds_its_artifacts_in_the_other_place(again: RunningFairlead, places: list[Environment]) -> None:
    import sqlalchemy as sa

    engine = sa.create_engine(schema_url(places[1]["FAIRLEAD_DATABASE_URL"], "mlflow"))
    with engine.connect() as connection:
        uris = connection.scalars(sa.text("SELECT artifact_uri FROM runs")).all()
    engine.dispose()

    assert uris
    assert not [uri for uri in uris if not uri.startswith((f"file://{again.home}/", places[1]["FAIRLEAD_BLOBS_URL"]))]


def test_everything_comes_back_to_a_laptop(second: Original, tmp_path: Path) -> None:
    """What is restored below a home is what was backed up from PostgreSQL, S3 and Kafka, row by row."""
    restore(second.backup, tmp_path / "home")
    back_up(tmp_path / "home", tmp_path / "backup")

    assert _contents(tmp_path / "backup") == _contents(second.backup)


def _contents(backup: Path) -> dict[str, Any]:
    """Return how many rows, events and files a backup holds, by table, topic and path.

    Left out is the one table with a row for each partition, of which Kafka has more.
    """
    manifest = json.loads((backup / "manifest.json").read_text())
    tables = {f"{d['name']}.{t['name']}": t["rows"] for d in manifest["databases"] for t in d["tables"] if t["rows"]}
    tables.pop("gateway.consumed_positions")
    topics = {topic["name"]: topic["events"] for topic in manifest["events"]["topics"] if topic["events"]}
    kept = ("blobs/", "folders/", "artifacts/")
    files = {file["path"]: file["sha256"] for file in manifest["files"] if file["path"].startswith(kept)}
    return {**tables, **topics, **files}
