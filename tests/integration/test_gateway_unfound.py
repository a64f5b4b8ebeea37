"""A gateway whose name for serving can't be resolved: all else is answered, and predictions are told to come again."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.unit.gateway.running import Running, running_gateway

ROWS = {"rows": [{"age": 39}]}


@pytest.fixture(scope="module", params=["no-such-host.invalid", f"{'a' * 64}.invalid"], ids=["unknown", "no name"])
def gateway(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    endpoints = f"dns:///{request.param}:7404"
    with running_gateway(tmp_path_factory.mktemp("gateway"), gateway_serving_endpoints=endpoints) as running:
        yield running


@pytest.mark.parametrize(
    "path", ["/api/v1/projects/default/deployments/income:predict", "/v2/models/default.income/infer"]
)
def test_a_prediction_is_told_when_to_come_again(gateway: Running, path: str) -> None:
    answer = gateway.http.post(path, json=ROWS)

    assert answer.status_code == 503
    assert answer.headers["retry-after"] == "2"
    assert "its name is not resolved yet; try again" in answer.json()["detail"]
    assert "invalid" not in answer.text


@pytest.mark.parametrize("path", ["/healthz", "/readyz", "/api/v1/projects", "/api/v1/projects/default/runs", "/v2"])
def test_everything_else_is_answered(gateway: Running, path: str) -> None:
    assert gateway.http.get(path).status_code == 200
