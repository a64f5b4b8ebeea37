"""What a running Fairlead tells of itself: traces to a receiver of OTLP."""

from __future__ import annotations

import secrets

import httpx

from tests.integration.observability.conftest import Observed

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


def test_one_trace_leads_from_the_rest_call_through_serving_to_the_log_and_to_drift(observed: Observed) -> None:
    trace = secrets.token_hex(16)

    predict(observed, trace)

    spans = observed.receiver.trace(trace, PREDICT, "serving.predict", PUBLISH, "drift.traffic")
    assert spans["serving.predict"].parent == spans[PREDICT].id
    assert spans[PUBLISH].parent == spans["serving.predict"].id
    assert spans["drift.traffic"].parent == spans[PUBLISH].id
    services = [spans[name].service for name in (PREDICT, "serving.predict", PUBLISH, "drift.traffic")]
    assert services == ["fairlead-gateway", "fairlead-serving", "fairlead-serving", "fairlead-drift"]


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
