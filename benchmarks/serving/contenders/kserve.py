"""KServe's Python server."""

from __future__ import annotations

import json

from .. import requests
from ..figures import KSERVE
from ..server import answers, free_port
from ..setting import Measured, Setting


def measure(setting: Setting) -> Measured:
    """Its Open Inference REST door, one worker; it makes a DataFrame of the tensors."""
    scenario, port = setting.scenario, free_port()
    url = f"http://127.0.0.1:{port}/v2/models/income"
    command = [setting.python("kserve"), setting.program("kserve_server.py"), "--http_port", str(port)]
    with setting.server([*command, str(scenario.pipeline)], answers(f"{url}/ready")) as pid:
        body = json.dumps(requests.open_inference(scenario, [scenario.row])).encode()
        scenario.check(requests.probability_of(setting.post(f"{url}/infer", body)), KSERVE)
        yield KSERVE, setting.load.http(pid, f"{url}/infer", body)
