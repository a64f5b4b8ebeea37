"""What a running Fairlead tells of itself: traces to a receiver of OTLP, metrics to a real Prometheus."""

from __future__ import annotations

import json
import re
import secrets
from pathlib import Path

import grpc
import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families

from fairlead.api.inference.v2 import open_inference_pb2 as pb
from fairlead.api.inference.v2.open_inference_pb2_grpc import GRPCInferenceServiceStub
from fairlead.client import Json
from scripts.observability.slos import SLOS
from scripts.telemetry_table import definitions
from tests.integration.observability.conftest import Observed, files, filled_in, metrics_of
from tests.integration.observability.prometheus import DASHBOARDS
from tests.waiting import until

ELSEWHERE = ("fairlead_events_spool", "fairlead_events_consumer_recreated")
"""What is shown only where events go to Kafka."""
PUBLISH = "publish fairlead.predictions"
PREDICT = "POST /api/v1/projects/{project_id}/deployments/{deployment_id}:predict"


def predict(observed: Observed, trace: str = "", *, sampled: bool = True) -> None:
    """Ask for a prediction, as part of a trace where one is given."""
    flags = "01" if sampled else "00"
    answer = httpx.post(
        f"{observed.fairlead.url}/api/v1/projects/default/deployments/{observed.deployment}:predict",
        json={"rows": observed.rows[:1]},
        headers={
            "Authorization": f"Bearer {observed.fairlead.token}",
            **({"traceparent": f"00-{trace}-{secrets.token_hex(8)}-{flags}"} if trace else {}),
        },
    )
    assert answer.status_code == 200, answer.text


def _example(datatype: str) -> float | str:
    return "a" if datatype == "BYTES" else 1.0


def _tensor(told: Json) -> pb.ModelInferRequest.InferInputTensor:
    tensor = pb.ModelInferRequest.InferInputTensor(name=told["name"], shape=told["shape"], datatype=told["datatype"])
    if told["datatype"] == "BYTES":
        tensor.contents.bytes_contents.extend(value.encode() for value in told["data"])
    else:
        tensor.contents.fp64_contents.extend(told["data"])
    return tensor


def test_one_trace_leads_from_the_rest_call_through_serving_to_the_log_and_to_drift(observed: Observed) -> None:
    trace = secrets.token_hex(16)

    predict(observed, trace)

    spans = observed.receiver.trace(trace, PREDICT, "serving.predict", PUBLISH, "drift.traffic")
    assert spans["serving.predict"].parent == spans[PREDICT].id
    assert spans[PUBLISH].parent == spans["serving.predict"].id
    assert spans["drift.traffic"].parent == spans[PUBLISH].id
    services = [spans[name].service for name in (PREDICT, "serving.predict", PUBLISH, "drift.traffic")]
    assert services == ["fairlead-gateway", "fairlead-serving", "fairlead-serving", "fairlead-drift"]


@pytest.mark.parametrize("door", ["REST", "gRPC"])
def test_a_trace_leads_from_servings_own_doors_to_the_log(observed: Observed, door: str) -> None:
    """What comes with a trace is answered by itself, in a span, though others like it are answered together."""
    trace = secrets.token_hex(16)
    headers = {"authorization": f"Bearer {observed.fairlead.token}", "traceparent": f"00-{trace}-{'1' * 16}-01"}
    model = f"default.{observed.deployment}"
    host, rest, grpc_port = "127.0.0.1", observed.fairlead.base_port + 81, observed.fairlead.base_port + 82
    about = httpx.get(f"http://{host}:{rest}/v2/models/{model}", headers=headers).json()
    body = {"inputs": [{**each, "shape": [1, 1], "data": [_example(each["datatype"])]} for each in about["inputs"]]}

    if door == "REST":
        answer = httpx.post(f"http://{host}:{rest}/v2/models/{model}/infer", headers=headers, json=body)
        assert answer.status_code == 200, answer.text
        name = "open_inference.infer"
    else:
        request = pb.ModelInferRequest(model_name=model, inputs=[_tensor(each) for each in body["inputs"]])
        with grpc.insecure_channel(f"{host}:{grpc_port}") as channel:
            GRPCInferenceServiceStub(channel).ModelInfer(request, metadata=list(headers.items()))
        name = "/inference.GRPCInferenceService/ModelInfer"

    spans = observed.receiver.trace(trace, name, PUBLISH)
    assert spans[PUBLISH].parent == spans[name].id


def test_what_its_caller_does_not_sample_is_not_sent(observed: Observed) -> None:
    silent, told = secrets.token_hex(16), secrets.token_hex(16)

    predict(observed, silent, sampled=False)
    predict(observed)
    predict(observed, told)

    observed.receiver.trace(told, PREDICT, "serving.predict", PUBLISH)
    followed = {span.trace for span in observed.receiver.spans()}
    assert silent not in followed
    # Those without a trace get none here: the ratio is 0.
    assert all(span.parent != "" for span in observed.receiver.spans())


@pytest.fixture(scope="module")
def drifted(observed: Observed) -> Observed:
    """The same once its traffic has drifted, seen by Prometheus."""
    observed.drift()
    # All that counts is counted by now; Prometheus is to have seen it twice.
    until(lambda: bool(observed.prometheus.ask("fairlead_drift_severity == 3")), "the drift in Prometheus")
    grown = "changes(fairlead_drift_predictions_total[1m]) > 0 and count_over_time(fairlead_drift_alerts_total[1m]) > 2"
    until(lambda: bool(observed.prometheus.ask(grown.replace("and", "and on ()"))), "the counts in Prometheus")
    return observed


def test_what_services_show_is_on_the_page_of_metrics(drifted: Observed) -> None:
    told = {(each.name, each.type) for each in definitions()}
    shown: set[tuple[str, str]] = set()
    for address in metrics_of(drifted.fairlead):
        text = httpx.get(
            f"http://{address}/metrics", headers={"Authorization": f"Bearer {drifted.fairlead.token}"}
        ).text
        for family in text_string_to_metric_families(text):
            if family.name.startswith("fairlead_") and not family.name.endswith("_created"):
                name = f"{family.name}_total" if family.type == "counter" else family.name
                shown.add((name, family.type))

    assert shown <= told
    unseen = {name for name, _ in told - shown}
    assert {name for name in unseen if not name.startswith(ELSEWHERE)} == set()


@pytest.mark.parametrize("board", files(DASHBOARDS, ".json"), ids=lambda path: path.stem)
def test_every_panel_shows_data(drifted: Observed, board: Path) -> None:
    panels = [panel for panel in json.loads(board.read_text())["panels"] if panel["type"] != "row"]

    empty = [
        f"{panel['title']}: {target['expr']}"
        for panel in panels
        for target in panel["targets"]
        if not drifted.prometheus.ask(filled_in(target["expr"]))
        # Kafka's own are made in test_kafka.py.
        and "fairlead_events_spool" not in target["expr"]
    ]

    assert panels
    assert empty == []


def test_every_recording_rule_gives_data(drifted: Observed) -> None:
    recordings = [rule for rule in drifted.prometheus.rules() if rule["type"] == "recording"]
    errors = [rule["lastError"] for rule in drifted.prometheus.rules() if rule.get("lastError")]
    silent = [rule["name"] for rule in recordings if not drifted.prometheus.ask(rule["query"])]

    assert recordings and errors == []
    # Of what never failed there is nothing to count: promtool's tests have failures.
    assert {name.partition(":increase")[0] for name in silent} <= {"fairlead:slo_bad"}
    slos = {found["metric"]["slo"] for found in drifted.prometheus.ask("fairlead:slo_budget_remaining:ratio30d")}
    assert slos == {slo.name for slo in SLOS}


def test_every_alert_is_made_of_what_there_is(drifted: Observed) -> None:
    alerts = [rule for rule in drifted.prometheus.rules() if rule["type"] == "alerting"]
    known = drifted.prometheus.names() | {each.name for each in definitions()}

    used = {name for rule in alerts for name in re.findall(r"\b(?:fairlead|process)[_:][a-z0-9_:]+", rule["query"])}

    assert len(alerts) > 20
    assert used <= known | {name for name in used if name.removesuffix("_total") in known}


def test_drift_fires_its_alert(drifted: Observed) -> None:
    deployment = "projects/default/deployments/heart"
    fires = f'ALERTS{{alertname="FairleadDriftCritical", alertstate="firing", deployment="{deployment}"}}'

    until(lambda: bool(drifted.prometheus.ask(fires)), "the alert")
