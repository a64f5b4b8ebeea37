"""`GET .../deployments/{d}/experiment` over the gateway's REST API, with a drift that answers on a real socket."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from fairlead.api.drift.v1.experiment_service_pb2 import GetExperimentRequest
from tests.unit.gateway.peers import INCOME, MODEL
from tests.unit.gateway.running import Running, running_gateway

D = "/api/v1/projects/default/deployments"


@pytest.fixture(scope="module")
def gateway(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with running_gateway(tmp_path_factory.mktemp("gateway")) as running:
        yield running


def test_an_experiment_is_told_with_its_arms_and_verdicts(gateway: Running) -> None:
    told = gateway.json("GET", f"{D}/income/experiment")

    asked = gateway.peers.last(GetExperimentRequest)
    assert (asked.name, asked.number) == (f"{INCOME}/experiment", 0)
    assert (told["name"], told["number"], told["end_time"]) == (f"{INCOME}/experiment", 2, None)
    assert [(arm["model_version"], arm["champion"], arm["shadow"]) for arm in told["arms"]] == [
        (MODEL, True, False),
        (MODEL.replace("/1", "/2"), False, True),
    ]
    (comparison,) = told["comparisons"]
    assert comparison["verdict"] == "challenger_better"
    (difference,) = comparison["differences"]
    assert (difference["p_value"], difference["lower"]) == (0.0, None), "0 is told, and what is absent is null"


def test_an_earlier_experiment_is_told_by_its_number(gateway: Running) -> None:
    assert gateway.json("GET", f"{D}/income/experiment", params={"number": 1})["number"] == 1


def test_an_experiment_of_no_deployment_is_not_found(gateway: Running) -> None:
    assert gateway.json("GET", f"{D}/other/experiment", status=404)["code"] == "NOT_FOUND"


def test_a_number_below_0_is_refused(gateway: Running) -> None:
    problem = gateway.json("GET", f"{D}/income/experiment", status=400, params={"number": -1})
    assert problem["errors"][0]["field"] == "number"
