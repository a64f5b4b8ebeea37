"""The gateway over real sockets: training, models, workflows, deployments, predictions and monitors."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from fairlead.api.conductor.v1.workflow_service_pb2 import CreateWorkflowRequest, ReviewWorkflowRequest
from fairlead.api.drift.v1.monitor_service_pb2 import UpdateMonitorRequest
from fairlead.api.serving.v1.deployment_service_pb2 import CreateDeploymentRequest
from fairlead.api.serving.v1.prediction_service_pb2 import BatchPredictRequest, SendFeedbackRequest
from fairlead.api.serving.v1.relay_service_pb2 import RELAY_FORM_ROWS, RelayedCall
from fairlead.api.trainer.v1.run_service_pb2 import CreateRunRequest, ExportRunRequest
from fairlead.kit.errors import FieldViolation, InvalidArgument, ResourceExhausted
from tests.unit.gateway.peers import INCOME, MODEL
from tests.unit.gateway.running import Running, running_gateway

P = "/api/v1/projects/default"
ROWS = [{"age": 39, "workclass": "State-gov", "extra": [1]}, {"age": 60, "workclass": None}]


@pytest.fixture(scope="module")
def gateway(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with running_gateway(tmp_path_factory.mktemp("gateway")) as running:
        yield running


def test_a_run_is_asked_for_and_shown(gateway: Running) -> None:
    body = {"preparation": "p-1", "budget": "1.5m", "families": ["lightgbm"], "seed": 7}
    task = gateway.json("POST", f"{P}/runs", 202, json=body, headers={"Idempotency-Key": "run-1"})

    asked = gateway.peers.last(CreateRunRequest)
    assert (task["kind"], task["state"]) == ("train", "pending")
    assert asked.spec.preparation == "projects/default/preparations/p-1"
    assert (asked.spec.budget.ToSeconds(), asked.spec.seed, asked.request_id) == (90, 7, "run-1")
    assert gateway.json("GET", f"{P}/runs")["items"][0]["name"] == "projects/default/runs/r"
    assert gateway.json("GET", f"{P}/runs/r")["metrics"] == {"r2": 0.8}
    board = gateway.json("GET", f"{P}/runs/r/leaderboard")
    assert (board["entries"][0]["candidate"], board["metric"]) == ("lightgbm-3", "roc_auc")


def test_a_run_is_exported(gateway: Running) -> None:
    gateway.json("POST", f"{P}/runs/r:export", 202, json={"model_id": "adult"})
    assert gateway.peers.last(ExportRunRequest).model_id == "adult"
    gateway.json("POST", f"{P}/runs/r:export", 202)
    assert gateway.peers.last(ExportRunRequest).model_id == ""


def test_models_versions_and_aliases_are_shown_and_set(gateway: Running) -> None:
    assert gateway.json("GET", f"{P}/models")["items"][0]["name"] == "projects/default/models/adult"
    assert gateway.json("GET", f"{P}/models/adult")["name"] == "projects/default/models/adult"
    assert gateway.json("GET", f"{P}/models/adult/versions")["items"][0]["name"] == MODEL
    assert gateway.json("GET", f"{P}/models/adult/versions/1")["manifest"]["inputs"][0]["kind"] == "number"
    assert gateway.json("GET", f"{P}/models/adult/aliases/champion")["name"].endswith("aliases/champion")
    model = gateway.json("PUT", f"{P}/models/adult/aliases/champion", json={"version": 3})
    assert model["aliases"] == {"champion": 3}
    # More than for other calls, because of the trainer's first.
    assert gateway.peers.seconds_left[-1] > 60


def test_a_workflow_is_asked_for_in_words_and_by_fields(gateway: Running) -> None:
    body = {"goal": "predict income", "dataset": "adult", "target": "num > 0", "budget": 60, "skip_steps": ["scale"]}
    workflow = gateway.json("POST", f"{P}/workflows", 202, json=body)

    spec = gateway.peers.last(CreateWorkflowRequest).spec
    assert workflow["name"] == "projects/default/workflows/w-1"
    assert workflow["spec"]["budget"] == 60.0
    assert (spec.dataset, spec.target, list(spec.skip_steps)) == (
        "projects/default/datasets/adult",
        "num > 0",
        ["scale"],
    )
    assert gateway.json("GET", f"{P}/workflows/w-1")["state"] == "running"
    assert len(gateway.json("GET", f"{P}/workflows")["items"]) == 1
    gateway.json("POST", f"{P}/workflows/w-1:review", json={"approve": True, "comment": "fine"})
    assert gateway.peers.last(ReviewWorkflowRequest).comment == "fine"


def test_a_deployment_is_made_and_changed_by_who_saw_it_last(gateway: Running) -> None:
    body = {"deployment_id": "income", "model_version": "adult/aliases/champion"}
    answer = gateway.http.post(f"{P}/deployments", json=body)

    assert (answer.status_code, answer.headers["etag"]) == (201, '"e1"')
    asked = gateway.peers.last(CreateDeploymentRequest)
    assert asked.model_version == "projects/default/models/adult/aliases/champion"
    change = {"model_version": MODEL}
    gateway.json("PATCH", f"{P}/deployments/income", 409, json=change, headers={"If-Match": '"old"'})
    gateway.json("PATCH", f"{P}/deployments/income", 200, json=change, headers={"If-Match": '"e1"'})
    assert gateway.json("GET", f"{P}/deployments/income")["state"] == "ready"
    assert gateway.json("GET", f"{P}/deployments")["items"][0]["name"] == INCOME
    assert gateway.http.delete(f"{P}/deployments/income").status_code == 204


def test_rows_are_passed_on_as_they_came(gateway: Running) -> None:
    body = json.dumps({"rows": ROWS, "request_id": "order-17"}).encode()
    told = gateway.json("POST", f"{P}/deployments/income:predict", content=body)

    asked = gateway.peers.last(RelayedCall)
    assert told == {"request_id": "made-up", "model_version": MODEL, "predictions": ROWS}
    assert (asked.form, asked.deployment, asked.body) == (RELAY_FORM_ROWS, INCOME, body)


def test_many_rows_are_passed_on_too(gateway: Running) -> None:
    rows = ROWS * 10_000
    told = gateway.json("POST", f"{P}/deployments/income:predict", json={"rows": rows})

    assert told["predictions"] == rows


def test_what_serving_refuses_is_told(gateway: Running) -> None:
    rule = "expected a number, got 'abc'"
    gateway.peers.fail = InvalidArgument(f"row 1: {rule}", violations=[FieldViolation("rows[1].age", rule)])
    told = gateway.json("POST", f"{P}/deployments/income:predict", 400, json={"rows": ROWS})

    assert told["detail"] == f"row 1: {rule}"
    assert told["errors"] == [{"field": "rows[1].age", "description": rule}]


def test_a_server_that_is_busy_tells_when_to_come_back(gateway: Running) -> None:
    gateway.peers.fail = ResourceExhausted("too many requests", retry_after=3.0)
    answer = gateway.http.post(f"{P}/deployments/income:predict", json={"rows": ROWS})

    assert (answer.status_code, answer.headers["retry-after"]) == (429, "3")


def test_an_unknown_deployment_or_project_is_not_found(gateway: Running) -> None:
    gateway.json("POST", f"{P}/deployments/nope:predict", 404, json={"rows": ROWS})
    gateway.json("POST", "/api/v1/projects/nope/deployments/income:predict", 404, json={"rows": ROWS})


def test_a_batch_is_asked_for(gateway: Running) -> None:
    body = {"dataset_version": "adult/versions/1", "format": "parquet"}
    task = gateway.json("POST", f"{P}/deployments/income:batchPredict", 202, json=body)

    assert task["kind"] == "batch_predict"


def test_a_file_is_uploaded_and_predicted_as_it_is(gateway: Running) -> None:
    stored = gateway.json("POST", f"{P}/files", 201, content=b"age\n39\n")
    body = {
        "file": {"sha256": stored["sha256"], "file_name": "new.csv"},
        "format": "jsonl",
        "model_version": "adult/aliases/challenger",
        "max_rejected_rows": 0,
    }
    gateway.json("POST", f"{P}/deployments/income:batchPredict", 202, json=body)

    asked = gateway.peers.last(BatchPredictRequest)
    assert stored["size"] == 7
    assert gateway.blobs.fetch(asked.source_blob).read_bytes() == b"age\n39\n"
    assert (asked.file_name, asked.format, asked.dataset_version) == ("new.csv", "jsonl", "")
    assert asked.model_version == "projects/default/models/adult/aliases/challenger"
    assert asked.HasField("max_rejected_rows")


def test_what_no_batch_can_be_made_of_is_refused(gateway: Running) -> None:
    path = f"{P}/deployments/income:batchPredict"
    absent = gateway.json("POST", path, 400, json={"file": {"sha256": "0" * 64}})
    assert (absent["code"], "POST it to files" in absent["detail"]) == ("FAILED_PRECONDITION", True)
    gateway.json("POST", path, 400, json={"file": {"sha256": "short"}})
    gateway.json("POST", path, 400, json={"dataset_version": "adult/versions/1", "format": "xml"})
    gateway.json("POST", path, 400, json={"dataset_version": "adult/versions/1", "max_rejected_rows": -1})
    gateway.json("POST", f"{P}/files", 400, content=b"")
    gateway.json("POST", "/api/v1/projects/nope/files", 404, content=b"age\n39\n")


def test_feedback_is_passed_on_as_class_labels_are_written(gateway: Running) -> None:
    truths = [{"request_id": "a", "row": 1, "value": "yes"}, {"request_id": "b", "value": 3}]
    told = gateway.json("POST", f"{P}/deployments/income:feedback", json={"truths": truths})

    assert told == {"accepted_count": 2}
    assert [(each.row, each.value) for each in gateway.peers.last(SendFeedbackRequest).truths] == [(1, "yes"), (0, "3")]


def test_monitors_reports_and_alerts_are_shown(gateway: Running) -> None:
    monitor = "projects/default/monitors/income"
    assert gateway.json("GET", f"{P}/monitors")["items"][0]["severity"] == "ok"
    assert gateway.json("GET", f"{P}/monitors/income")["name"] == monitor
    assert gateway.json("GET", f"{P}/monitors/income/reports")["items"][0]["name"] == f"{monitor}/reports/1"
    assert gateway.json("GET", f"{P}/monitors/income/alerts")["items"][0]["name"] == f"{monitor}/alerts/1"
    assert gateway.json("GET", f"{P}/alerts")["items"][0]["name"] == "projects/default/alerts/1"


def test_a_policy_keeps_what_is_left_out(gateway: Running) -> None:
    told = gateway.json("PATCH", f"{P}/monitors/income", json={"policy": {"window_rows": 1000}})

    assert (told["policy"]["window_rows"], told["policy"]["warning_threshold"]) == (1000, 0.1)
    assert gateway.peers.last(UpdateMonitorRequest).etag == "m1"


# The Open Inference Protocol


def test_the_protocol_tells_of_server_and_models(gateway: Running) -> None:
    assert gateway.json("GET", "/v2")["extensions"] == ["model_repository", "binary_tensor_data"]
    assert gateway.json("GET", "/v2/health/live") == {"live": True}
    assert gateway.json("GET", "/v2/health/ready") == {"ready": True}
    assert gateway.json("GET", "/v2/models/default.income")["versions"] == ["1"]
    assert gateway.json("GET", "/v2/models/default.income/versions/1/ready")["ready"]
    assert gateway.json("GET", "/v2/models/default.nope/ready", 400)["error"]
    assert gateway.json("POST", "/v2/repository/index")[0]["state"] == "READY"


def test_tensors_are_inferred_from(gateway: Running) -> None:
    body = {"id": "42", "inputs": [{"name": "age", "datatype": "FP64", "shape": [2], "data": [1.5, 2]}]}
    told = gateway.json("POST", "/v2/models/default.income/infer", json=body)

    assert told["id"] == "42"
    assert told["outputs"][0]["data"] == [3.0, 4.0]
    versioned = gateway.json("POST", "/v2/models/default.income/versions/3/infer", json=body)
    assert versioned["model_version"] == "3"


def test_raw_tensors_follow_the_json_both_ways(gateway: Running) -> None:
    head = json.dumps({"id": "42", "inputs": [{"name": "age", "data": [1.5]}]}).encode()
    headers = {"Inference-Header-Content-Length": str(len(head))}
    answer = gateway.http.post("/v2/models/default.income/infer", content=head + b"raw", headers=headers)

    length = int(answer.headers["inference-header-content-length"])
    assert answer.headers["content-type"] == "application/octet-stream"
    assert json.loads(answer.content[:length])["id"] == "42"
    assert answer.content[length:] == b"raw"


@pytest.mark.parametrize("length", ["-1", "x", "1" * 40, "\u00b2"])
def test_a_length_that_is_none_is_refused(gateway: Running, length: str) -> None:
    headers = {b"Inference-Header-Content-Length": length.encode("latin-1")}
    told = gateway.http.post("/v2/models/default.income/infer", content=b"{}", headers=headers).json()

    assert "must be the length of the JSON part" in told["error"]
    assert told["error"] == told["detail"]


def test_a_name_that_is_no_models_is_not_found(gateway: Running) -> None:
    assert "PROJECT.DEPLOYMENT" in gateway.json("POST", "/v2/models/income/infer", 404, json={})["error"]


def test_a_trace_that_comes_in_goes_on(gateway: Running) -> None:
    trace = "0af7651916cd43dd8448eb211c80319c"
    answer = gateway.http.get(f"{P}/models", headers={"traceparent": f"00-{trace}-b7ad6b7169203331-01"})

    assert answer.status_code == 200
    assert any(f"-{trace}-" in traceparent for traceparent in gateway.peers.traces)


def test_a_prediction_is_part_of_the_callers_trace_where_there_is_one(gateway: Running) -> None:
    trace = "0af7651916cd43dd8448eb211c80319c"
    headers = {"traceparent": f"00-{trace}-b7ad6b7169203331-01"}
    gateway.json("POST", f"{P}/deployments/income:predict", json={"rows": ROWS}, headers=headers)
    assert trace in gateway.peers.last(RelayedCall).traceparent

    gateway.json("POST", f"{P}/deployments/income:predict", json={"rows": ROWS})
    assert gateway.peers.last(RelayedCall).traceparent == ""


def test_status_and_metrics_are_told(gateway: Running) -> None:
    services = {each["service"]: each["state"] for each in gateway.json("GET", "/api/v1/status")["services"]}
    metrics = gateway.http.get("/metrics").text

    assert services["trainer"] == "serving"
    assert (
        'fairlead_gateway_calls_total{method="GET",route="/api/v1/projects/{project_id}/models",status="200"}'
        in metrics
    )
