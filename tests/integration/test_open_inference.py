"""The stock tritonclient, over HTTP and gRPC, against a deployed model."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest

from tests.data import ROOT
from tests.unit.serving import packages
from tests.unit.serving.running import BEARER, TOKEN, RunningService

INCOME, PRICE = "projects/p/models/income/versions/1", "projects/p/models/price/versions/1"


@pytest.fixture(scope="module")
def answers(tmp_path_factory: pytest.TempPathFactory) -> Any:
    folder = tmp_path_factory.mktemp("open-inference")
    running = RunningService(folder / "home")
    try:
        package = packages.classifier(folder / "income")
        running.add_version(INCOME, package.folder)
        running.add_version(PRICE, packages.regressor(folder / "price").folder)
        running.start()
        running.deploy("income", INCOME)
        running.deploy("price", PRICE)
        yield {**_triton(running), "expected": _expected(package), "raw": _raw_json(running)}
    finally:
        running.close()


def _triton(running: RunningService) -> dict[str, Any]:
    script = Path(packages.__file__).with_name("triton_calls.py")
    settings = running.settings
    command = [sys.executable, str(script), settings.rest_address, settings.grpc_address, "p.income", "p.price", TOKEN]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def _expected(package: packages.Package) -> Any:
    rows = np.empty((3, 3), dtype=object)
    rows[:] = [[39.0, 40.0, "Private"], [61.0, 65.0, ""], [25.0, 20.0, "unseen"]]
    return package.pipeline.predict_proba(rows)


def _raw_json(running: RunningService) -> httpx.Response:
    """The plain JSON request of the protocol's specification, as curl sends it."""
    body = (
        '{"inputs": [{"name": "age", "shape": [1], "datatype": "INT64", "data": [39]},'
        ' {"name": "hours-per-week", "shape": [1, 1], "datatype": "FP32", "data": [[40]]},'
        ' {"name": "workclass", "shape": [1], "datatype": "BYTES", "data": ["Private"]}]}'
    )
    return httpx.post(running.rest("/models/p.income/versions/1/infer"), content=body, headers=BEARER)


@pytest.mark.parametrize("protocol", ["http", "grpc"])
@pytest.mark.parametrize("call", ["infer", "gzip"])
def test_a_stock_client_gets_what_the_pipeline_predicts(answers: Any, protocol: str, call: str) -> None:
    found = answers[protocol][call]
    np.testing.assert_allclose(found["probabilities"], answers["expected"], atol=1e-6)
    assert found["labels"] == [("<=50K", ">50K")[best] for best in answers["expected"].argmax(axis=1)]


@pytest.mark.parametrize("call", ["json_inputs", "deflate"])
def test_json_tensors_and_deflate_give_the_same(answers: Any, call: str) -> None:
    assert answers["http"][call] == answers["http"]["infer"]


@pytest.mark.parametrize("protocol", ["http", "grpc"])
def test_server_and_model_are_live_and_ready(answers: Any, protocol: str) -> None:
    found = answers[protocol]
    assert (found["live"], found["ready"], found["model_ready"]) == (True, True, True)
    assert found["server"]["name"] == "fairlead"
    assert "model_repository" in found["server"]["extensions"]


@pytest.mark.parametrize("protocol", ["http", "grpc"])
def test_metadata_lists_inputs_and_outputs(answers: Any, protocol: str) -> None:
    found = answers[protocol]["metadata"]
    assert (found["name"], found["versions"]) == ("p.income", ["1"])
    tensors = [(t["name"], t["datatype"], [int(size) for size in t["shape"]]) for t in found["inputs"]]
    assert tensors == [
        ("age", "FP64", [-1, 1]),
        ("hours-per-week", "FP64", [-1, 1]),
        ("workclass", "BYTES", [-1, 1]),
    ]
    assert [(t["name"], t["datatype"]) for t in found["outputs"]] == [("predict", "BYTES"), ("predict_proba", "FP64")]


def test_rest_metadata_tells_the_classes(answers: Any) -> None:
    assert answers["http"]["metadata"]["parameters"]["fairlead_classes"] == ["<=50K", ">50K"]


def test_the_configuration_is_shaped_as_tritons(answers: Any) -> None:
    config = answers["http"]["config"]
    assert config["max_batch_size"] == 0
    assert config["input"][2] == {"name": "workclass", "data_type": "TYPE_STRING", "dims": [-1, 1]}


def test_the_repository_index_lists_every_model(answers: Any) -> None:
    expected = [("p.income", "1", "READY"), ("p.price", "1", "READY")]
    for index in (answers["http"]["index"], answers["grpc"]["index"]["models"]):
        assert [(entry["name"], entry["version"], entry["state"]) for entry in index] == expected


def test_requested_outputs_and_the_request_id_are_honoured(answers: Any) -> None:
    by_http = answers["http"]["named"]
    assert by_http["id"] == "mine"
    (output,) = by_http["outputs"]
    assert (output["name"], output["shape"]) == ("predict_proba", [3, 2])
    np.testing.assert_allclose(np.reshape(output["data"], (3, 2)), answers["expected"], atol=1e-6)
    assert answers["grpc"]["named"] == {"id": "mine", "outputs": ["predict_proba"]}


def test_a_matrix_and_json_rows_are_read_too(answers: Any) -> None:
    np.testing.assert_allclose(answers["http"]["matrix"], [18.0, 11.0], atol=1e-4)
    np.testing.assert_allclose(answers["grpc"]["matrix"], [18.0, 11.0], atol=1e-4)
    np.testing.assert_allclose(answers["http"]["rows"], [18.0], atol=1e-4)


@pytest.mark.parametrize("protocol", ["http", "grpc"])
def test_refusals_say_what_is_wrong(answers: Any, protocol: str) -> None:
    found = answers[protocol]
    assert "the model reads column 'hours-per-week', 'workclass', which was not sent" in found["refused"]
    assert "there is no deployment 'projects/p/deployments/unknown'" in found["unknown"]
    assert "no token came with the call" in found["no_token"]


def test_statistics_count_requests_rows_and_refusals(answers: Any) -> None:
    (entry,) = answers["http"]["statistics"]["model_stats"]
    assert entry["execution_count"] == 5
    assert entry["inference_count"] == 15
    assert entry["inference_stats"]["success"]["count"] == 5
    assert entry["inference_stats"]["fail"]["count"] == 1
    assert entry["inference_stats"]["compute_infer"]["ns"] > 0


def test_plain_json_as_the_specification_writes_it(answers: Any) -> None:
    answer = answers["raw"].json()
    assert answers["raw"].status_code == 200
    assert (answer["model_name"], answer["model_version"]) == ("p.income", "1")
    assert len(answer["id"]) == 32
    labels, probabilities = answer["outputs"]
    assert (labels["shape"], probabilities["shape"]) == ([1], [1, 2])
    np.testing.assert_allclose(probabilities["data"], answers["expected"][0], atol=1e-6)
