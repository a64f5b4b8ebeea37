"""What the client asks for when requests are shared among versions, and what a prediction may ask beside."""

from __future__ import annotations

from pathlib import Path

import pytest

from fairlead import ApiError, Client
from tests.unit.client.stage import Stage, calls, problem

THIRD, FOURTH = "projects/default/models/adult/versions/3", "projects/default/models/adult/versions/4"
CHALLENGER = "projects/default/models/adult/aliases/challenger"


def test_traffic_is_divided_now_and_in_steps(stage: Stage, client: Client) -> None:
    stage.answer("PUT /deployments/income/traffic", {"name": "income"})
    later = {"time": "2026-01-31T17:31:03Z", "traffic": [{"model_version": "adult/4", "percent": 100}]}

    client.deployments.split_traffic(
        "projects/default/deployments/income",
        [
            {"model_version": "adult/3", "percent": 90},
            {"model_version": FOURTH, "percent": 10},
            {"model_version": "adult@challenger", "shadow": True},
        ],
        [later],
        etag="e1",
    )

    assert stage.last.headers["if-match"] == '"e1"'
    assert stage.last.json == {
        "traffic": [
            {"model_version": THIRD, "percent": 90},
            {"model_version": FOURTH, "percent": 10},
            {"model_version": CHALLENGER, "shadow": True},
        ],
        "steps": [{"time": "2026-01-31T17:31:03Z", "traffic": [{"model_version": FOURTH, "percent": 100}]}],
    }


def test_steps_alone_leave_the_split_as_it_is(stage: Stage, client: Client) -> None:
    stage.answer("PUT /deployments/income/traffic", {"name": "income"})

    client.deployments.split_traffic("income", steps=[{"time": "2026-01-31T17:31:03Z", "traffic": []}])

    assert stage.last.json["traffic"] == []
    assert "if-match" not in stage.last.headers


def test_a_version_is_promoted_and_a_split_is_rolled_back(stage: Stage, client: Client) -> None:
    stage.answer("POST /deployments/income:promote", {"name": "income"})
    stage.answer("POST /deployments/income:rollBack", {"name": "income"})

    client.deployments.promote("income")
    assert stage.last.json == {}
    client.deployments.promote("income", "adult/4", etag="e1")
    assert (stage.last.json, stage.last.headers["if-match"]) == ({"model_version": FOURTH}, '"e1"')
    client.deployments.roll_back("income", etag="e2")
    assert (stage.last.body, stage.last.headers["if-match"]) == (b"", '"e2"')


def test_a_stale_etag_is_an_error(stage: Stage, client: Client) -> None:
    stage.answer("POST /deployments/income:rollBack", problem(409, "ABORTED", "it was changed meanwhile"))

    with pytest.raises(ApiError, match="changed meanwhile") as raised:
        client.deployments.roll_back("income", etag="old")
    assert raised.value.code == "ABORTED"


def test_a_deployment_is_pinned_and_its_log_is_sampled(stage: Stage, client: Client) -> None:
    stage.answer("POST /deployments", {"name": "income"})
    stage.answer("PATCH /deployments/income", {"name": "income"})

    client.deployments.create("income", "adult/3", pinned=True, log_sampling_rate=0.1)
    assert stage.last.json == {
        "deployment_id": "income",
        "model_version": THIRD,
        "pinned": True,
        "log_sampling_rate": 0.1,
    }
    client.deployments.update("income", pinned=False, etag="e1")
    assert stage.last.json == {"pinned": False}
    assert stage.last.headers["if-match"] == '"e1"'
    assert calls(stage.asked) == ["POST /deployments", "PATCH /deployments/income"]


def test_a_prediction_may_ask_for_more(stage: Stage, client: Client) -> None:
    stage.answer("POST /deployments/income:predict", {"predictions": []})

    client.deployments.predict("income", [{"age": 39}], routing_key="customer-1", explain=True, interval=0.9)

    assert stage.last.json == {
        "rows": [{"age": 39}],
        "routing_key": "customer-1",
        "explain": True,
        "interval": 0.9,
    }


def test_a_package_is_saved_by_version_and_by_alias(stage: Stage, client: Client, tmp_path: Path) -> None:
    stage.answer("GET /models/adult/versions/3/package", {"zip": True})
    stage.answer("GET /models/adult/aliases/champion", {"name": THIRD})

    assert client.models.download_package("adult", tmp_path / "package.zip") == len(b'{"zip": true}')
    assert client.models.download_package(THIRD, tmp_path / "again.zip")
    assert calls(stage.asked) == [
        "GET /models/adult/aliases/champion",
        "GET /models/adult/versions/3/package",
        "GET /models/adult/versions/3/package",
    ]
