"""Plain BentoML."""

from __future__ import annotations

import json
from pathlib import Path

from ..figures import BENTOML
from ..server import answers, free_port
from ..setting import PROGRAMS, Measured, Setting


def measure(setting: Setting) -> Measured:
    """`bentoml serve` with one worker."""
    scenario, port = setting.scenario, free_port()
    url = f"http://127.0.0.1:{port}"
    command = [str(Path(setting.python("bentoml")).parent / "bentoml"), "serve", "bento_service:Income"]
    command += ["--host", "127.0.0.1", "--port", str(port)]
    environment = {
        "BENCHMARK_PIPELINE": str(scenario.pipeline),
        "BENTOML_HOME": str(setting.scratch / "bentoml"),
        "BENTOML_DO_NOT_TRACK": "True",
    }
    with setting.server(command, answers(f"{url}/readyz"), PROGRAMS, **environment) as pid:
        body = json.dumps({"rows": [scenario.row]}).encode()
        scenario.check(setting.post(f"{url}/predict", body)[0][1], BENTOML)
        yield BENTOML, setting.load.http(pid, f"{url}/predict", body)
