"""The extensions of the Open Inference Protocol at the gateway: configuration, statistics, and the repository."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from fairlead.api.inference.v2.open_inference_pb2 import (
    ModelConfigRequest,
    ModelStatisticsRequest,
    RepositoryIndexRequest,
    RepositoryModelLoadRequest,
    RepositoryModelUnloadRequest,
)
from fairlead.kit.errors import InvalidArgument, NotFound
from tests.unit.gateway.running import Running, running_gateway

MODEL = "/v2/models/default.income"
REPOSITORY = "/v2/repository"


@pytest.fixture(scope="module")
def gateway(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with running_gateway(tmp_path_factory.mktemp("gateway")) as running:
        yield running


@pytest.mark.parametrize(("path", "version"), [(MODEL, ""), (f"{MODEL}/versions/3", "3")])
def test_a_models_configuration_is_told_in_tritons_form(gateway: Running, path: str, version: str) -> None:
    told = gateway.json("GET", f"{path}/config")

    assert gateway.peers.last(ModelConfigRequest) == ModelConfigRequest(name="default.income", version=version)
    assert told["input"] == [{"name": "age", "data_type": "TYPE_FP64", "dims": [-1, 1]}]
    assert told["version_policy"] == {"specific": {"versions": [int(version or 1)]}}
    assert told["parameters"] == {"fairlead_task_type": {"string_value": "binary"}}
    assert (told["max_batch_size"], told["output"]) == (0, [])


@pytest.mark.parametrize(
    ("path", "name", "version"),
    [
        ("/v2/models/stats", "", ""),
        (f"{MODEL}/stats", "default.income", ""),
        (f"{MODEL}/versions/3/stats", "default.income", "3"),
    ],
)
def test_statistics_are_told_of_all_models_of_one_and_of_a_version(
    gateway: Running, path: str, name: str, version: str
) -> None:
    told = gateway.json("GET", path)["model_stats"]

    assert gateway.peers.last(ModelStatisticsRequest) == ModelStatisticsRequest(name=name, version=version)
    assert [(each["name"], each["version"]) for each in told] == [("default.income", version or "1")]
    assert told[0]["inference_stats"]["success"] == {"count": 3, "ns": 2**53}
    assert (told[0]["inference_count"], told[0]["execution_count"], told[0]["batch_stats"]) == (5, 3, [])


@pytest.mark.parametrize(("body", "ready"), [(b"", False), (b"{}", False), (b' {"ready": true} ', True)])
def test_the_repository_lists_all_models_or_those_that_are_ready(gateway: Running, body: bytes, ready: bool) -> None:
    told = gateway.json("POST", f"{REPOSITORY}/index", content=body)

    assert gateway.peers.last(RepositoryIndexRequest).ready is ready
    assert told == [{"name": "default.income", "version": "", "state": "READY", "reason": ""}]


def test_the_names_of_models_are_listed(gateway: Running) -> None:
    assert gateway.json("GET", "/v2/models") == {"models": ["default.income"]}


@pytest.mark.parametrize("body", [b"", b'{"parameters": {"unload_dependents": false}}'])
def test_a_model_is_loaded_and_unloaded(gateway: Running, body: bytes) -> None:
    assert gateway.json("POST", f"{REPOSITORY}/models/default.income/load", content=b"") == {}
    assert gateway.peers.last(RepositoryModelLoadRequest).model_name == "default.income"

    assert gateway.json("POST", f"{REPOSITORY}/models/default.income/unload", content=body) == {}
    assert gateway.peers.last(RepositoryModelUnloadRequest).model_name == "default.income"


def test_what_a_load_asks_for_besides_goes_to_serving_which_refuses_it(gateway: Running) -> None:
    gateway.peers.fail = InvalidArgument("config: a model's configuration is that of its version")
    body = json.dumps({"parameters": {"config": "{}"}}).encode()

    told = gateway.json("POST", f"{REPOSITORY}/models/default.income/load", 400, content=body)

    assert told["error"].startswith("config: ")
    assert gateway.peers.last(RepositoryModelLoadRequest).parameters["config"].string_param == "{}"


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", f"{MODEL}/config"),
        ("GET", f"{MODEL}/stats"),
        ("POST", f"{REPOSITORY}/models/default.income/load"),
        ("POST", f"{REPOSITORY}/models/default.income/unload"),
    ],
)
def test_a_model_that_is_none_is_not_found(gateway: Running, method: str, path: str) -> None:
    gateway.peers.fail = NotFound("there is no such model", resource="default.income")

    assert gateway.json(method, path, 404)["error"] == "there is no such model"


@pytest.mark.parametrize("body", [b"{", b"[]", b'{"parameters": 5}'])
def test_a_body_that_is_no_such_request_is_refused(gateway: Running, body: bytes) -> None:
    told: Any = gateway.json("POST", f"{REPOSITORY}/models/default.income/load", 400, content=body)

    assert told["code"] == "INVALID_ARGUMENT"
    assert told["error"]
