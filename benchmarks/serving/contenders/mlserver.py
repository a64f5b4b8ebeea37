"""MLServer with its scikit-learn runtime, over REST and gRPC; without its worker pool, which only slows one core."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

import grpc

from fairlead.api.inference.v2.open_inference_pb2_grpc import GRPCInferenceServiceStub

from .. import requests
from ..figures import MLSERVER, MLSERVER_GRPC
from ..server import answers, free_port
from ..setting import Measured, Setting

NAME = "income"


def measure(setting: Setting) -> Measured:
    """Both doors of one process."""
    scenario, python = setting.scenario, setting.python("mlserver")
    folder = setting.scratch / "mlserver"
    http, rpc, metrics = free_port(), free_port(), free_port()
    _lay_out(folder, scenario.pipeline, {"http_port": http, "grpc_port": rpc, "metrics_port": metrics})
    path = f"{Path(python).parent}{os.pathsep}{os.environ['PATH']}"
    ready = answers(f"http://127.0.0.1:{http}/v2/models/{NAME}/ready")
    with setting.server([str(Path(python).parent / "mlserver"), "start", str(folder)], ready, PATH=path) as pid:
        url = f"http://127.0.0.1:{http}/v2/models/{NAME}/infer"
        body = json.dumps(requests.open_inference_for_mlserver(scenario, [scenario.row])).encode()
        scenario.check(requests.probability_of(setting.post(url, body)), MLSERVER)
        yield MLSERVER, setting.load.http(pid, url, body)
        message = requests.mlserver_message(scenario, [scenario.row], NAME)
        with grpc.insecure_channel(f"127.0.0.1:{rpc}") as channel:
            answer = GRPCInferenceServiceStub(channel).ModelInfer(message, timeout=60)
        scenario.check(requests.probability_of_message(answer), MLSERVER_GRPC)
        yield MLSERVER_GRPC, setting.load.grpc(pid, f"127.0.0.1:{rpc}", message.SerializeToString())


def _lay_out(folder: Path, pipeline: Path, ports: dict[str, int]) -> None:
    folder.mkdir()
    # joblib reads what pickle wrote.
    shutil.copy(pipeline, folder / "model.joblib")
    server = {"host": "127.0.0.1", "parallel_workers": 0, "debug": False, **ports}
    (folder / "settings.json").write_text(json.dumps(server))
    model = {"name": NAME, "implementation": "mlserver_sklearn.SKLearnModel", "parameters": {"uri": "./model.joblib"}}
    (folder / "model-settings.json").write_text(json.dumps(model))
