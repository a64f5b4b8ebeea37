"""Traffic splits, and what is asked beside a prediction, over the gateway's REST API."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from fairlead.api.serving.v1.deployment_service_pb2 import (
    CreateDeploymentRequest,
    PromoteVersionRequest,
    RollBackDeploymentRequest,
    SplitTrafficRequest,
    UpdateDeploymentRequest,
)
from fairlead.kit.errors import Aborted, FailedPrecondition, FieldViolation, InvalidArgument
from tests.unit.gateway.peers import INCOME, MODEL
from tests.unit.gateway.running import Running, running_gateway

D = "/api/v1/projects/default/deployments"
ROWS = [{"age": 39, "workclass": "State-gov"}, {"age": 60, "workclass": None}]
THIRD, FOURTH = "projects/default/models/adult/versions/3", "projects/default/models/adult/versions/4"


@pytest.fixture(scope="module")
def gateway(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with running_gateway(tmp_path_factory.mktemp("gateway")) as running:
        yield running


def test_requests_are_divided_now_and_in_steps(gateway: Running) -> None:
    body = {
        "traffic": [
            {"model_version": "adult/versions/3", "percent": 90},
            {"model_version": "models/adult/aliases/challenger", "percent": 10},
            {"model_version": THIRD, "shadow": True},
        ],
        "steps": [{"time": "2026-01-31T18:31:03+01:00", "traffic": [{"model_version": FOURTH, "percent": 100}]}],
    }
    told = gateway.http.put(f"{D}/income/traffic", json=body, headers={"If-Match": '"e1"'})

    asked = gateway.peers.last(SplitTrafficRequest)
    assert (told.status_code, told.headers["etag"]) == (200, '"e1"')
    assert (asked.name, asked.etag) == (INCOME, "e1")
    assert [(each.model_version, each.percent, each.shadow) for each in asked.traffic] == [
        (THIRD, 90.0, False),
        ("projects/default/models/adult/aliases/challenger", 10.0, False),
        (THIRD, 0.0, True),
    ]
    assert asked.steps[0].time.ToJsonString() == "2026-01-31T17:31:03Z"
    assert told.json()["traffic"][0] == {
        "model_version": THIRD,
        "percent": 90.0,
        "shadow": False,
        "reference_blob": "",
    }
    assert told.json()["steps"][0]["time"] == "2026-01-31T17:31:03.000Z"
    # All versions are loaded first.
    assert gateway.peers.seconds_left[-1] > 60


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"traffic": [{"model_version": "adult/versions/3", "percent": 101}]}, "traffic[0].percent"),
        ({"traffic": [{"percent": 100}]}, "traffic[0].model_version"),
        ({"traffic": [{"model_version": "projects/other/models/a/versions/1"}]}, "traffic[0].model_version"),
        ({"steps": [{"time": "2026-01-31T18:31:03", "traffic": [{"model_version": THIRD}]}]}, "steps[0].time"),
        ({"steps": [{"time": "2026-01-31T18:31:03Z", "traffic": []}]}, "steps[0].traffic"),
        (
            {"steps": [{"time": "2026-01-31T18:31:03Z", "traffic": [{"model_version": "projects/o/models/a"}]}]},
            "steps[0].traffic[0].model_version",
        ),
        ({"split": []}, "split"),
    ],
)
def test_a_wrong_split_is_refused_by_its_member(gateway: Running, body: dict[str, Any], field: str) -> None:
    told = gateway.json("PUT", f"{D}/income/traffic", 400, json=body)

    assert told["errors"][0]["field"] == field


def test_what_serving_refuses_is_told_with_its_members(gateway: Running) -> None:
    rule = "the percentages sum to 95; they must sum to 100"
    gateway.peers.fail = InvalidArgument(f"traffic: {rule}", violations=[FieldViolation("traffic", rule)])

    told = gateway.json("PUT", f"{D}/income/traffic", 400, json={"traffic": [{"model_version": THIRD, "percent": 95}]})

    assert told["errors"] == [{"field": "traffic", "description": rule}]


def test_a_version_is_promoted(gateway: Running) -> None:
    gateway.json("POST", f"{D}/income:promote", json={"model_version": "adult/versions/4"})
    assert gateway.peers.last(PromoteVersionRequest) == PromoteVersionRequest(name=INCOME, model_version=FOURTH)

    gateway.json("POST", f"{D}/income:promote", headers={"If-Match": '"e1"'})
    assert gateway.peers.last(PromoteVersionRequest) == PromoteVersionRequest(name=INCOME, etag="e1")

    gateway.peers.fail = Aborted("someone else changed it", resource=INCOME)
    gateway.json("POST", f"{D}/income:promote", 409, headers={"If-Match": '"old"'})


def test_a_deployment_is_rolled_back(gateway: Running) -> None:
    told = gateway.json("POST", f"{D}/income:rollBack", headers={"If-Match": '"e1"'})

    assert told["name"] == INCOME
    assert gateway.peers.last(RollBackDeploymentRequest) == RollBackDeploymentRequest(name=INCOME, etag="e1")
    gateway.peers.fail = FailedPrecondition("nothing was served before", resource=INCOME)
    assert gateway.json("POST", f"{D}/income:rollBack", 400)["code"] == "FAILED_PRECONDITION"


def test_a_deployment_is_pinned_and_its_log_is_sampled(gateway: Running) -> None:
    made = {"deployment_id": "income", "model_version": "adult/versions/3", "pinned": True, "log_sampling_rate": 0.25}
    gateway.json("POST", D, 201, json=made)
    asked = gateway.peers.last(CreateDeploymentRequest)
    assert (asked.pinned, asked.log_sampling_rate) == (True, 0.25)

    gateway.json("PATCH", f"{D}/income", json={"pinned": False})
    changed = gateway.peers.last(UpdateDeploymentRequest)
    assert (changed.model_version, changed.HasField("pinned"), changed.pinned) == ("", True, False)
    assert not changed.HasField("log_sampling_rate")
    gateway.peers.model_version = MODEL
    told = gateway.json("POST", D, 400, json={**made, "log_sampling_rate": 2})
    assert told["errors"][0]["field"] == "log_sampling_rate"


def test_a_log_of_no_request_is_refused_and_one_of_all_is_told_as_such(gateway: Running) -> None:
    made = {"deployment_id": "income", "model_version": "adult/versions/3"}
    for refused in (
        gateway.json("POST", D, 400, json={**made, "log_sampling_rate": 0}),
        gateway.json("PATCH", f"{D}/income", 400, json={"log_sampling_rate": 0}),
    ):
        assert refused["errors"][0]["field"] == "log_sampling_rate"
        assert "give one above 0, such as 0.01, or 1 for every request" in refused["errors"][0]["description"]

    told = gateway.json("GET", f"{D}/income")
    assert told["log_sampling_rate"] == 1.0
    gateway.json("PATCH", f"{D}/income", json={"log_sampling_rate": told["log_sampling_rate"]})
    assert gateway.peers.last(UpdateDeploymentRequest).log_sampling_rate == 1.0
