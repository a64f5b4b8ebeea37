"""Stock clients of the Open Inference Protocol against one serving process with a model that the trainer packed."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest

from fairlead.api.serving.v1.prediction_service_pb2 import PredictRequest
from tests.data import ROOT
from tests.unit.serving.domain.insights import models
from tests.unit.serving.running import BEARER, TOKEN, RunningService
from tests.unit.trainer.export.candidates import fit

VERSION = "projects/p/models/adult/versions/1"
MODEL = "p.adult"
PROGRAMS = Path(__file__).with_name("open_inference")
PEERS = ("kserve==0.21.0", "mlserver==1.7.1", "orjson>=3.10", "cloudevents>=1.11,<2", "deprecation", "PyYAML")
"""Only the clients are used, so of what the packages require no more is taken than those import."""


class Serving:
    """A running process, three rows for its model, and what the pipeline itself predicts for them."""

    def __init__(self, folder: Path) -> None:
        train, held_out = models.data("adult")
        fitted = fit(train, "lightgbm")
        self._folder = folder
        self._rows = folder / "rows.json"
        columns = {column.name: held_out.columns[column.name][:3] for column in held_out.inputs}
        self._rows.write_text(json.dumps({name: values.tolist() for name, values in columns.items()}))
        self.columns = columns
        self.expected = fitted.predict_columns(columns)
        self.classes = held_out.classes
        self.running = RunningService(folder / "home")
        self.running.add_version(VERSION, models.package(folder / "package", fitted, held_out))

    def start(self) -> None:
        self.running.start()
        self.running.deploy("adult", VERSION)

    def ask(self, program: str, packages: Path | None = None) -> Any:
        """What a program that holds a stock client was answered."""
        settings = self.running.settings
        addresses = (settings.rest_address, settings.grpc_address)
        done = subprocess.run(
            [sys.executable, str(PROGRAMS / program), *addresses, MODEL, TOKEN, str(self._rows)],
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
            cwd=ROOT,
            env={**os.environ, "PYTHONPATH": "" if packages is None else str(packages)},
        )
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout.splitlines()[-1])


@pytest.fixture(scope="module")
def serving(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Serving]:
    serving = Serving(tmp_path_factory.mktemp("clients"))
    try:
        serving.start()
        yield serving
    finally:
        serving.running.close()


@pytest.fixture(scope="module")
def triton(serving: Serving) -> Any:
    return serving.ask("triton_sync.py")


@pytest.fixture(scope="module")
def triton_async(serving: Serving) -> Any:
    return serving.ask("triton_async.py")


@pytest.fixture(scope="module")
def peers(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The published packages of KServe and MLServer, without their servers' libraries."""
    folder = tmp_path_factory.mktemp("peers")
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--target", str(folder), *PEERS]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, f"pip needs a package index here: {done.stderr}"
    return folder


BOTH = pytest.mark.parametrize("protocol", ["http", "grpc"])


@BOTH
def test_health_needs_no_token_and_a_model_is_ready_whether_loaded_or_not(triton: Any, protocol: str) -> None:
    found = triton[protocol]
    assert [found[key] for key in ("live", "ready", "loaded", "unloaded")] == [True] * 4


@BOTH
def test_an_unloaded_model_is_loaded_by_the_next_prediction(serving: Serving, triton: Any, protocol: str) -> None:
    np.testing.assert_allclose(triton[protocol]["after_unload"], serving.expected, atol=1e-5)


@BOTH
def test_the_likeliest_class_comes_as_value_index_and_label(serving: Serving, triton: Any, protocol: str) -> None:
    for text, probabilities in zip(triton[protocol]["best"], serving.expected, strict=True):
        value, index, label = text.split(":", 2)
        assert float(value) == pytest.approx(probabilities.max(), abs=1e-5)
        assert (int(index), label) == (probabilities.argmax(), serving.classes[probabilities.argmax()])


@BOTH
def test_contributions_and_a_set_of_labels_are_answered(serving: Serving, triton: Any, protocol: str) -> None:
    found = triton[protocol]
    contributions, base = np.array(found["contributions"]), np.array(found["base_values"])
    assert contributions.shape == (3, len(serving.columns))
    assert "log_odds" in found["scale"]
    odds = np.log(serving.expected[:, 1] / serving.expected[:, 0])
    np.testing.assert_allclose(contributions.sum(axis=1) + base, odds, atol=1e-3)
    labels = np.array(found["prediction_set"])
    assert (labels.dtype, labels.shape) == (np.bool_, (3, 2))


@BOTH
def test_a_mistaken_parameter_is_refused_and_a_deadline_is_kept(triton: Any, protocol: str) -> None:
    found = triton[protocol]
    assert "parameter 'fairlead_explian': there is no such parameter" in found["mistaken"]
    assert "the caller's deadline has passed" in found["late"]
    assert "the model reads column" in found["incomplete"]
    assert found["in_time"] == [3]


@BOTH
@pytest.mark.parametrize("call", ["shared_memory", "log_settings", "trace_settings"])
def test_what_belongs_to_other_servers_is_said_to(triton: Any, protocol: str, call: str) -> None:
    assert "is not offered by this server" in triton[protocol][call]
    assert "deploy another version instead" in triton[protocol]["overridden"]


@BOTH
def test_statistics_configuration_and_index(serving: Serving, triton: Any, protocol: str) -> None:
    found = triton[protocol]
    (entry,) = found["statistics"]["model_stats"]
    assert (entry["name"], entry["version"]) == (MODEL, "1")
    assert int(entry["inference_count"]) == 3 * int(entry["execution_count"]) >= 12
    assert int(entry["inference_stats"]["fail"]["count"]) >= 1
    assert len(found["all_statistics"]["model_stats"]) == 1
    config = found["config"].get("config", found["config"])
    assert [tensor["name"] for tensor in config["input"]] == list(serving.columns)
    (listed,) = found["index"]["models"] if protocol == "grpc" else found["index"]
    assert (listed["name"], listed["version"], listed["state"]) == (MODEL, "1", "READY")


def test_http_takes_half_precision_and_many_at_a_time(serving: Serving, triton: Any) -> None:
    np.testing.assert_allclose(triton["http"]["halves"], serving.expected, atol=1e-5)
    assert triton["http"]["async"] == [[3]] * 8
    assert triton["grpc"]["async"] == [[3]]


def test_a_stream_answers_in_order_with_an_error_in_its_place(triton: Any) -> None:
    missing = "there is no deployment 'projects/p/deployments/none'"
    assert triton["grpc"]["stream"] == ["0", "1", missing, "3", "4"]


@BOTH
def test_asynchronous_clients_get_their_own_answers(serving: Serving, triton_async: Any, protocol: str) -> None:
    found = triton_async[protocol]
    assert (found["live"], found["ready"]) == (True, True)
    assert found["ids"] == [str(number) for number in range(20)]
    np.testing.assert_allclose(found["probabilities"], serving.expected, atol=1e-5)
    assert found["labels"] == [serving.classes[best] for best in serving.expected.argmax(axis=1)]


def test_an_asynchronous_stream_goes_on_after_errors(serving: Serving, triton_async: Any) -> None:
    missing = "there is no deployment 'projects/p/deployments/none'"
    expected = [str(number) if number % 3 else missing for number in range(10)]
    assert triton_async["grpc"]["stream"] == expected
    np.testing.assert_allclose(triton_async["http"]["json"], serving.expected, atol=1e-5)


def test_every_other_door_tells_the_same_of_a_prediction(serving: Serving, triton: Any) -> None:
    expected = np.array(triton["grpc"]["contributions"])
    request = PredictRequest(deployment="projects/p/deployments/adult", explain=True, interval=0.8)
    for name, values in serving.columns.items():
        column = request.columns.add(name=name)
        if values.dtype == object:
            column.texts.values.extend(values)
        else:
            column.numbers.values.extend(values)
    answer = serving.running.predictions.Predict(request)
    assert list(answer.explanation.columns) == list(serving.columns)
    np.testing.assert_allclose(np.reshape(answer.explanation.contributions, expected.shape), expected)
    assert list(answer.interval.contains) == np.ravel(triton["grpc"]["prediction_set"]).tolist()
    rows = [dict(zip(serving.columns, row, strict=True)) for row in zip(*serving.columns.values(), strict=True)]
    body = {"deployment": MODEL, "rows": rows, "explain": True, "interval": 0.8, "routing_key": "ann"}
    content = json.dumps(body, default=float).replace("NaN", "null")
    url = f"http://{serving.running.settings.bento_address}/predict"
    by_bentoml = httpx.post(url, content=content, headers={**BEARER, "content-type": "application/json"}).json()
    np.testing.assert_allclose(by_bentoml["explanation"]["contributions"], expected)
    assert by_bentoml["explanation"]["scale"] == answer.explanation.scale
    assert np.ravel(by_bentoml["interval"]["contains"]).tolist() == list(answer.interval.contains)


def test_kserves_clients_get_what_the_pipeline_predicts(serving: Serving, peers: Path) -> None:
    found = serving.ask("kserve_clients.py", peers)
    for protocol, calls in (("http", ("json", "binary", "binary_outputs", "named")), ("grpc", ("json", "binary"))):
        assert [found[protocol][key] for key in ("live", "ready", "model_ready")] == [True] * 3
        assert "there is no deployment" in found[protocol]["refused"]
        for call in calls:
            assert found[protocol][call]["id"] == "mine"
            np.testing.assert_allclose(found[protocol][call]["probabilities"], serving.expected, atol=1e-5)


def test_mlservers_client_code_gets_what_the_pipeline_predicts(serving: Serving, peers: Path) -> None:
    found = serving.ask("mlserver_client.py", peers)
    for answered in (found["http"]["infer"], found["grpc"]["infer"], found["grpc"]["raw"]):
        assert answered["id"] == "mine"
        np.testing.assert_allclose(answered["probabilities"], serving.expected, atol=1e-5)
        assert answered["labels"] == [serving.classes[best] for best in serving.expected.argmax(axis=1)]
    assert (found["http"]["load"], found["http"]["unload"]) == (200, 200)
    assert [model["name"] for model in found["http"]["index"]] == [MODEL]
    assert found["grpc"]["index"] == [[MODEL, "1", "READY"]]
    assert (found["grpc"]["live"], found["grpc"]["metadata"]) == (True, "fairlead_tabular")
