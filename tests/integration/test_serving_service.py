"""The serving service over its sockets: four doors on one core, deployments, the prediction log, and kill -9."""

from __future__ import annotations

import http.client
import json
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from threading import Event, Thread

import grpc
import httpx
import numpy as np
import psutil
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet
import pytest

from fairlead.api.events.v1 import events_pb2
from fairlead.api.inference.v2 import open_inference_pb2, open_inference_pb2_grpc
from fairlead.api.serving.v1 import deployment_pb2, deployment_service_pb2, prediction_service_pb2
from fairlead.api.tasks.v1 import task_pb2, task_service_pb2
from fairlead.api.tasks.v1.task_service_pb2_grpc import TaskServiceStub
from fairlead.api.trainer.v1 import model_pb2
from fairlead.kit.errors import (
    Aborted,
    AlreadyExists,
    FailedPrecondition,
    InvalidArgument,
    NotFound,
    Unauthenticated,
    Unavailable,
)
from fairlead.kit.events import topics
from fairlead.kit.rpc.channel import connect
from tests.data import ROOT
from tests.unit.serving import packages
from tests.unit.serving.running import BEARER, OFFSETS, TOKEN, RunningService, census_request

V1, V2, NATIVE = (f"projects/p/models/income/versions/{number}" for number in (1, 2, 3))
ROWS = [
    {"age": 39, "hours-per-week": 40, "workclass": "Private"},
    {"age": 61, "hours-per-week": 65, "workclass": None},
]


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningService]:
    folder = tmp_path_factory.mktemp("serving")
    running = RunningService(folder / "home")
    running.add_version(V1, packages.classifier(folder / "one").folder, "projects/p/models/income/aliases/champion")
    running.add_version(V2, packages.classifier(folder / "two", trees=20).folder)
    native = packages.classifier(folder / "native", runtime=model_pb2.MODEL_RUNTIME_NATIVE)
    running.add_version(NATIVE, native.folder)
    running.start()
    yield running
    running.close()


def open_inference_request(model: str, request_id: str = "") -> open_inference_pb2.ModelInferRequest:
    request = open_inference_pb2.ModelInferRequest(model_name=model, id=request_id)
    for name, values in (("age", [39.0, 61.0]), ("hours-per-week", [40.0, 65.0])):
        request.inputs.add(name=name, datatype="FP64", shape=[2, 1]).contents.fp64_contents.extend(values)
    request.inputs.add(name="workclass", datatype="BYTES", shape=[2, 1]).contents.bytes_contents.extend(
        [b"Private", b""]
    )
    return request


def by_predict(service: RunningService, name: str, request_id: str) -> list[float]:
    answer = service.predictions.Predict(census_request(f"projects/p/deployments/{name}", request_id))
    return list(answer.probabilities)


def by_open_inference_grpc(service: RunningService, name: str, request_id: str) -> list[float]:
    with connect(service.settings.grpc_address, token=TOKEN) as channel:
        stub = open_inference_pb2_grpc.GRPCInferenceServiceStub(channel)
        answer = stub.ModelInfer(open_inference_request(f"p.{name}", request_id))
    return np.frombuffer(answer.raw_output_contents[1]).tolist()


def by_open_inference_rest(service: RunningService, name: str, request_id: str) -> list[float]:
    inputs = [
        {"name": column, "datatype": "BYTES" if column == "workclass" else "FP64", "shape": [2], "data": values}
        for column, values in {key: [row[key] for row in ROWS] for key in ROWS[0]}.items()
    ]
    url = service.rest(f"/models/p.{name}/infer")
    answer = httpx.post(url, json={"id": request_id, "inputs": inputs}, headers=BEARER).raise_for_status().json()
    assert answer["id"] == request_id
    return list(answer["outputs"][1]["data"])


def by_bentoml(service: RunningService, name: str, request_id: str) -> list[float]:
    body = {"deployment": f"projects/p/deployments/{name}", "rows": ROWS, "request_id": request_id}
    url = f"http://{service.settings.bento_address}/predict"
    answer = httpx.post(url, json=body, headers=BEARER).raise_for_status().json()
    return [number for row in answer["probabilities"] for number in row]


DOORS: tuple[Callable[[RunningService, str, str], list[float]], ...] = (
    by_predict,
    by_open_inference_grpc,
    by_open_inference_rest,
    by_bentoml,
)


def logged_ids(service: RunningService) -> list[str]:
    batches = (event.unpack(events_pb2.PredictionBatch) for event in service.events.replay(topics.PREDICTIONS))
    return [request.request_id for batch in batches for request in batch.requests]


def wait_for(condition: Callable[[], bool], seconds: float = 30.0) -> None:
    until = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < until, "what was waited for did not happen"
        time.sleep(0.02)


@pytest.mark.parametrize("version", [V1, NATIVE])
def test_every_door_gives_the_same_answer_and_logs_it(service: RunningService, version: str) -> None:
    name = f"same-{version[-1]}"
    created = service.deploy(name, version)
    assert created.state == deployment_pb2.DEPLOYMENT_STATE_READY
    answers = [door(service, name, f"{name}-{number}") for number, door in enumerate(DOORS)]
    for answer in answers[1:]:
        np.testing.assert_allclose(answer, answers[0], atol=1e-12)
    assert sum(answers[0]) == pytest.approx(2)
    wait_for(lambda: {f"{name}-{number}" for number in range(4)} <= set(logged_ids(service)))


def test_an_alias_is_resolved_once_and_the_change_is_published(service: RunningService) -> None:
    created = service.deploy("by-alias", "projects/p/models/income/aliases/champion")
    assert created.model_version == V1
    assert created.inference_name == "p.by-alias"
    changes = [event.unpack(events_pb2.DeploymentChanged) for event in service.events.replay(topics.DEPLOYMENTS)]
    (change,) = [change for change in changes if change.deployment.name == created.name]
    assert change.deployment == created
    folder, _, file = change.deployment.reference_blob.rpartition("/")
    assert (service.blobs.fetch_folder(folder) / file).is_file()


def test_creating_is_refused_with_the_reason(service: RunningService) -> None:
    service.deploy("taken", V1)
    with pytest.raises(AlreadyExists):
        service.deploy("taken", V1)
    with pytest.raises(NotFound, match="versions/99"):
        service.deploy("absent", "projects/p/models/income/versions/99")
    with pytest.raises(InvalidArgument, match="deployment_id"):
        service.deploy("Not An Id", V1)
    service.models.add("projects/p/models/gone/versions/1", "models/p/never-stored")
    with pytest.raises(FailedPrecondition, match="not in the blob store"):
        service.deploy("broken", "projects/p/models/gone/versions/1")
    with pytest.raises(NotFound):
        service.deployments.GetDeployment(
            deployment_service_pb2.GetDeploymentRequest(name="projects/p/deployments/broken")
        )


def test_an_update_swaps_the_version_without_a_failed_call(service: RunningService) -> None:
    created = service.deploy("swapped", V1)
    seen: list[str] = []
    stopped = Event()

    def keep_calling() -> None:
        while not stopped.is_set():
            seen.append(service.predictions.Predict(census_request(created.name)).model_version)

    caller = Thread(target=keep_calling)
    caller.start()
    wait_for(lambda: len(seen) > 5)
    request = deployment_service_pb2.UpdateDeploymentRequest(name=created.name, model_version=V2, etag=created.etag)
    updated = service.deployments.UpdateDeployment(request).deployment
    wait_for(lambda: seen[-1] == V2)
    stopped.set()
    caller.join()
    assert updated.model_version == V2
    assert updated.etag != created.etag
    assert seen == sorted(seen)
    with pytest.raises(Aborted):
        service.deployments.UpdateDeployment(request)


def test_a_deleted_deployment_answers_at_no_door(service: RunningService) -> None:
    created = service.deploy("deleted", V1)
    service.deployments.DeleteDeployment(deployment_service_pb2.DeleteDeploymentRequest(name=created.name))
    with pytest.raises(NotFound):
        by_predict(service, "deleted", "")
    with pytest.raises(NotFound):
        by_open_inference_grpc(service, "deleted", "")
    for door in (by_open_inference_rest, by_bentoml):
        with pytest.raises(httpx.HTTPStatusError, match="404"):
            door(service, "deleted", "")
    last = [event.unpack(events_pb2.DeploymentChanged) for event in service.events.replay(topics.DEPLOYMENTS)][-1]
    assert (last.deployment.name, last.deleted) == (created.name, True)


def test_deployments_are_listed_by_page(service: RunningService) -> None:
    for name in ("page-a", "page-b", "page-c"):
        service.deploy(name, V1)
    names: list[str] = []
    token = ""
    while True:
        page = service.deployments.ListDeployments(
            deployment_service_pb2.ListDeploymentsRequest(parent="projects/p", page_size=2, page_token=token)
        )
        assert len(page.deployments) <= 2
        names += [found.name.rpartition("/")[2] for found in page.deployments]
        token = page.next_page_token
        if not token:
            break
    assert names == sorted(names)
    assert {"page-a", "page-b", "page-c"} <= set(names)


def test_no_door_opens_without_a_token_but_health_does(service: RunningService) -> None:
    service.deploy("guarded", V1)
    for address, call in (
        (service.settings.address, "/fairlead.api.serving.v1.PredictionService/Predict"),
        (service.settings.grpc_address, "/inference.GRPCInferenceService/ModelInfer"),
    ):
        with connect(address, token="wrong") as channel, pytest.raises(Unauthenticated):
            channel.unary_unary(call)(b"")
    rest, bento = service.rest(""), f"http://{service.settings.bento_address}"
    for url in (rest, f"{rest}/models/p.guarded/infer", f"{bento}/predict", f"{bento}/docs.json", bento):
        assert httpx.post(url, json={}).status_code == 401
        assert httpx.get(url, headers={"authorization": "Bearer wrong"}).status_code == 401
    for url in (f"{rest}/health/live", f"{rest}/health/ready", f"{bento}/livez", f"{bento}/readyz"):
        assert httpx.get(url).status_code == 200
    with grpc.insecure_channel(service.settings.grpc_address) as channel:
        assert channel.unary_unary("/grpc.health.v1.Health/Check")(b"") == b"\x08\x01"


def test_a_bad_column_is_named_at_every_door(service: RunningService) -> None:
    service.deploy("bad-input", V1)
    request = census_request("projects/p/deployments/bad-input")
    del request.columns[2]
    with pytest.raises(InvalidArgument, match="'workclass'") as caught:
        service.predictions.Predict(request)
    assert caught.value.violations[0].field == "workclass"
    body = {"deployment": "projects/p/deployments/bad-input", "rows": [{**ROWS[0], "age": "old"}]}
    answer = httpx.post(f"http://{service.settings.bento_address}/predict", json=body, headers=BEARER)
    assert (answer.status_code, "column 'age', row 0: 'old'" in answer.json()["error"]) == (400, True)


def test_a_body_above_the_limit_is_413_at_both_http_doors(service: RunningService) -> None:
    service.deploy("large-body", V1)
    length = str(service.settings.serving_request_mb * 1024 * 1024 + 1)
    for address, path in (
        (service.settings.bento_address, "/predict"),
        (service.settings.rest_address, "/v2/models/p.large-body/infer"),
    ):
        connection = http.client.HTTPConnection(address, timeout=30)
        # The length is enough to refuse it: the body is not even sent.
        connection.request("POST", path, headers={**BEARER, "content-length": length})
        answer = connection.getresponse()
        assert (answer.status, "larger than 64 MB" in json.load(answer)["error"]) == (413, True)
        connection.close()


def test_bentoml_takes_the_protocols_name_too(service: RunningService) -> None:
    service.deploy("by-dot", V1)
    url = f"http://{service.settings.bento_address}/predict"
    answers = [
        httpx.post(url, json={"deployment": name, "rows": ROWS}, headers=BEARER)
        for name in ("p.by-dot", "projects/p/deployments/by-dot", "p.none", "none")
    ]
    assert [answer.status_code for answer in answers] == [200, 200, 404, 404]
    assert answers[0].json()["labels"] == answers[1].json()["labels"]


def test_feedback_is_published_by_deployment(service: RunningService) -> None:
    name = service.deploy("feedback", V1).name
    truth = prediction_service_pb2.Truth(request_id="r", row=1, value=">50K")
    request = prediction_service_pb2.SendFeedbackRequest(deployment=name, truths=[truth])
    assert service.predictions.SendFeedback(request).accepted_count == 1
    (event,) = service.events.replay(topics.FEEDBACK, key=name)
    (feedback,) = event.unpack(events_pb2.FeedbackBatch).feedbacks
    assert (feedback.request_id, feedback.row, feedback.value) == ("r", 1, ">50K")
    with pytest.raises(NotFound):
        service.predictions.SendFeedback(
            prediction_service_pb2.SendFeedbackRequest(deployment="projects/p/deployments/none")
        )


def test_a_batch_prediction_is_a_task_whose_result_agrees_with_online(service: RunningService, tmp_path: Path) -> None:
    name = service.deploy("batch", V1).name
    rows, _ = packages.census_rows(500, seed=9)
    table = pa.table(
        {"age": rows[:, 0].astype(int), "hours-per-week": rows[:, 1].astype(float), "workclass": rows[:, 2].tolist()}
    )
    pa.parquet.write_table(table, tmp_path / "rows.parquet")
    service.add_dataset("projects/p/datasets/census/versions/1", tmp_path / "rows.parquet", 500)
    request = prediction_service_pb2.BatchPredictRequest(
        deployment=name, dataset_version="projects/p/datasets/census/versions/1", request_id="batch-1"
    )
    task = service.predictions.BatchPredict(request).task
    assert service.predictions.BatchPredict(request).task.name == task.name
    tasks = TaskServiceStub(service.channel)

    def ended() -> bool:
        state = tasks.GetTask(task_service_pb2.GetTaskRequest(name=task.name)).task.state
        return state not in (task_pb2.TASK_STATE_PENDING, task_pb2.TASK_STATE_RUNNING)

    wait_for(ended, 60)
    done = tasks.GetTask(task_service_pb2.GetTaskRequest(name=task.name)).task
    assert (done.state, done.error) == (task_pb2.TASK_STATE_SUCCEEDED, "")
    result = prediction_service_pb2.BatchPrediction()
    assert done.result.Unpack(result)
    assert (result.row_count, result.format, result.model_version) == (500, "csv", V1)
    offline = pa.csv.read_csv(service.blobs.fetch(result.result_blob))["probability_>50K"].to_numpy()
    online = prediction_service_pb2.PredictRequest(deployment=name)
    online.columns.add(name="age").numbers.values.extend(rows[:, 0])
    online.columns.add(name="hours-per-week").numbers.values.extend(rows[:, 1])
    online.columns.add(name="workclass").texts.values.extend(rows[:, 2])
    answer = np.array(service.predictions.Predict(online).probabilities).reshape(-1, 2)
    np.testing.assert_allclose(offline, answer[:, 1], atol=1e-9)


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"format": "xml"}, InvalidArgument),
        ({"dataset_version": "census"}, InvalidArgument),
        ({"deployment": "projects/p/deployments/none"}, NotFound),
    ],
)
def test_a_batch_that_can_not_be_is_refused_at_once(
    service: RunningService, changes: dict[str, str], error: type[Exception]
) -> None:
    fields = {"deployment": "projects/p/deployments/batch", "dataset_version": "projects/p/datasets/d/versions/1"}
    with pytest.raises(error):
        service.predictions.BatchPredict(prediction_service_pb2.BatchPredictRequest(**{**fields, **changes}))


def test_metrics_count_predictions_by_deployment_and_door(service: RunningService) -> None:
    service.deploy("counted", V1)
    for door in DOORS:
        door(service, "counted", "any")
    metrics = httpx.get(f"http://{service.settings.metrics_address}/metrics", headers=BEARER).text
    for door_name in ("predict_grpc", "open_inference_grpc", "open_inference_rest", "bentoml"):
        series = f'fairlead_predictions_total{{deployment="projects/p/deployments/counted",door="{door_name}"}} 2.0'
        assert series in metrics


@pytest.fixture
def fresh(tmp_path: Path) -> Iterator[RunningService]:
    running = RunningService(tmp_path / "home")
    running.add_version(V1, packages.classifier(tmp_path / "package").folder)
    running.start()
    yield running
    running.close()


def test_a_killed_service_serves_again_and_has_logged_every_answer(fresh: RunningService) -> None:
    name = fresh.deploy("killed", V1).name
    answered: list[str] = []

    def keep_calling() -> None:
        with pytest.raises(Unavailable):
            while True:
                answered.append(fresh.predictions.Predict(census_request(name)).request_id)

    caller = Thread(target=keep_calling)
    caller.start()
    wait_for(lambda: len(answered) > 50)
    assert fresh.process is not None
    children = psutil.Process(fresh.process.pid).children(recursive=True)
    assert fresh.end(signal.SIGKILL) == -signal.SIGKILL
    caller.join()
    assert [child for child in children if child.is_running()] == []
    fresh.start()
    assert fresh.predictions.Predict(census_request(name)).model_version == V1
    wait_for(lambda: set(answered) <= set(logged_ids(fresh)))


def test_sigterm_drains_publishes_and_frees_every_port(fresh: RunningService) -> None:
    name = fresh.deploy("drained", V1).name
    answered = {fresh.predictions.Predict(census_request(name)).request_id for _ in range(20)}
    assert fresh.end(signal.SIGTERM) == 0
    assert answered <= set(logged_ids(fresh))
    assert not any(_listens(fresh.settings.base_port + offset) for offset in OFFSETS)


def test_the_service_ends_with_the_process_that_started_it(tmp_path: Path) -> None:
    running = RunningService(tmp_path / "home")
    start = (
        "import subprocess, sys, time; subprocess.Popen([sys.executable, '-m', 'services.serving']); time.sleep(600)"
    )
    parent = subprocess.Popen(
        [sys.executable, "-c", start], env={**running.environment, "FAIRLEAD_EXIT_WITH_PARENT": "true"}, cwd=ROOT
    )
    wait_for(lambda: _listens(running.settings.base_port + 80), 60)
    parent.kill()
    parent.wait()
    wait_for(lambda: not any(_listens(running.settings.base_port + offset) for offset in OFFSETS))
    running.close()


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


@pytest.mark.parametrize("offset", OFFSETS)
def test_a_port_in_use_ends_the_start_with_an_error(tmp_path: Path, offset: int) -> None:
    running = RunningService(tmp_path / "home")
    with socket.create_server(("127.0.0.1", running.settings.base_port + offset)):
        assert running.spawn().wait(60) == 1
    running.close()
