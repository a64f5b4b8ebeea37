"""MLflow's scoring server."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

from ..figures import MLFLOW
from ..server import answers, free_port
from ..setting import Measured, Setting


def measure(setting: Setting) -> Measured:
    """`mlflow models serve` with one worker."""
    scenario, python = setting.scenario, setting.python("mlflow")
    model = setting.scratch / "mlflow"
    save = [python, "-W", "ignore", setting.program("save_mlflow.py"), str(scenario.pipeline), str(model)]
    subprocess.run(save, check=True, capture_output=True, cwd=setting.scratch)
    port = free_port()
    command = [python, "-m", "mlflow", "models", "serve", "-m", str(model), "-p", str(port), "-w", "1"]
    # MLflow starts `uvicorn` from the PATH.
    path = f"{Path(python).parent}{os.pathsep}{os.environ['PATH']}"
    url = f"http://127.0.0.1:{port}"
    with setting.server([*command, "--env-manager", "local"], answers(f"{url}/ping"), PATH=path) as pid:
        body = json.dumps({"dataframe_records": [scenario.row]}).encode()
        scenario.check(setting.post(f"{url}/invocations", body)["predictions"][0][1], MLFLOW)
        yield MLFLOW, setting.load.http(pid, f"{url}/invocations", body)
