"""A backup of a busy embedded Fairlead, restored into an empty folder."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from fairlead import Client
from tests.e2e.running import RunningFairlead
from tests.integration.backup import content
from tests.integration.backup.commands import fairlead, restore
from tests.integration.backup.conftest import Original
from tests.waiting import until


@pytest.fixture(scope="module")
def restored(original: Original, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningFairlead]:
    home = tmp_path_factory.mktemp("restored") / "home"
    restore(original.backup, home)
    running = RunningFairlead.start(home)
    yield running
    running.stop()


@pytest.fixture(scope="module")
def client(restored: RunningFairlead) -> Iterator[Client]:
    with restored.client() as client:
        yield client


def test_the_backup_was_made_while_predictions_were_answered(original: Original) -> None:
    assert original.figures["databases"] == 8
    assert original.figures["missing_blobs"] == []
    assert original.rows_after > original.rows_before


def test_everything_is_there_again(original: Original, client: Client) -> None:
    seen = content.look(client)

    for what, expected in original.seen.items():
        assert seen[what] == expected, what


def test_the_same_predictions_to_the_last_digit(original: Original, client: Client) -> None:
    assert content.predictions(client) == original.answers


def test_drift_reports_are_there_again(original: Original, client: Client) -> None:
    reports = content.reports(client)

    assert original.reports
    assert {name: reports[name] for name in original.reports} == original.reports


def test_no_prediction_from_before_the_backup_is_lost_and_none_is_counted_twice(
    original: Original, client: Client
) -> None:
    until(lambda: content.prediction_count(client) >= original.rows_before, "every prediction from before the backup")

    here = len(original.answers)
    assert content.prediction_count(client) <= original.rows_after + here


def test_a_restored_fairlead_has_a_token_of_its_own(original: Original, restored: RunningFairlead) -> None:
    assert "admin token" in restored.said()
    assert not [path for path in original.backup.rglob("*token*") if path.is_file()]


def test_mlflow_finds_its_artifacts_where_they_are_now(restored: RunningFairlead) -> None:
    import sqlalchemy as sa

    engine = sa.create_engine(f"sqlite:///{restored.home}/mlflow.db")
    with engine.connect() as connection:
        sources = connection.scalars(sa.text("SELECT source FROM model_versions")).all()
        locations = connection.scalars(sa.text("SELECT artifact_uri FROM runs")).all()

    assert all(uri.startswith(f"file://{restored.home}/mlflow-artifacts/") for uri in (*sources, *locations))
    assert all((Path(uri.removeprefix("file://")) / "MLmodel").is_file() for uri in sources)


def test_new_work_goes_on(client: Client) -> None:
    client.datasets.upload(content.PENGUINS, "penguins-again")
    workflow = client.workflows.start(
        "penguins-again", target="species", budget=content.BUDGET, families=["linear"], model_id="penguins"
    )

    ended = client.workflows.wait(workflow["name"])

    assert ended["model_version"] == "projects/default/models/penguins/versions/2"


def test_a_second_restore_into_it_is_refused(original: Original, restored: RunningFairlead) -> None:
    refused = fairlead("restore", original.backup, "--home", restored.home)

    assert refused.returncode == 1
    assert f"Fairlead runs with home {restored.home}" in refused.stderr
