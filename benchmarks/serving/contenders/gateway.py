"""REST through the gateway, which has its core for itself; serving shares the other with the load."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import httpx

from tests.data import ROOT
from tests.unit.serving.running import BEARER

from .. import requests
from ..figures import GATEWAY, GATEWAY_ROWS, Figures
from ..server import answers, running
from ..setting import Measured, Setting
from .fairlead import DEPLOYMENT, MODEL, serving


def measure(setting: Setting) -> Measured:
    """The Open Inference Protocol, and the API's own rows."""
    scenario = setting.scenario
    with _gateway(setting) as (url, pid):
        infer, body = f"{url}/v2/models/{MODEL}/infer", requests.open_inference(scenario, [scenario.row])
        scenario.check(requests.probability_of(_post(infer, body)), GATEWAY)
        yield GATEWAY, _noted(setting.load.http(pid, infer, json.dumps(body).encode(), BEARER))
        predict, rows = f"{url}/api/v1/projects/p/deployments/{DEPLOYMENT}:predict", {"rows": [scenario.row]}
        answer = _post(predict, rows)
        scenario.check(answer["predictions"][0]["probabilities"][scenario.classes[1]], GATEWAY_ROWS)
        yield GATEWAY_ROWS, _noted(setting.load.http(pid, predict, json.dumps(rows).encode(), BEARER))


def _noted(figures: Figures) -> Figures:
    return replace(figures, note=f"gateway's core {figures.rate * (figures.cpu or 0) / 1e4:.0f} % busy")


@contextmanager
def _gateway(setting: Setting) -> Iterator[tuple[str, int]]:
    home = setting.scratch / "home-gateway"
    with serving(setting.scenario, home, setting.cores.load) as service:
        url = f"http://127.0.0.1:{service.settings.base_port}"
        command = [sys.executable, "-m", "services.gateway"]
        log = setting.scratch / "gateway.log"
        ready = answers(f"{url}/healthz")
        with running(command, setting.cores.server, log, ready, service.environment, ROOT) as pid:
            _post(f"{url}/api/v1/projects", {"project_id": "p"}, accept=(200, 201))
            yield url, pid


def _post(url: str, body: object, accept: tuple[int, ...] = (200,)) -> Any:
    answer = httpx.post(url, json=body, headers=BEARER, timeout=60)
    if answer.status_code not in accept:
        raise SystemExit(f"{url} answers {answer.status_code}: {answer.text[:500]}")
    return answer.json()
