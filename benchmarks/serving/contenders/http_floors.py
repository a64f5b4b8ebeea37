"""What HTTP can do at best: uvicorn with nothing behind it, and with the graph alone."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

from .. import requests
from ..figures import EMPTY, FLOOR, FLOOR_EXPORTED, FLOOR_PLAIN
from ..server import free_port, listens
from ..setting import Measured, Setting


def empty(setting: Setting) -> Measured:
    """An empty answer."""
    port = free_port()
    with setting.server([setting.python("floor"), setting.program("asgi_empty.py"), str(port)], listens(port)) as pid:
        yield EMPTY, setting.load.http(pid, f"http://127.0.0.1:{port}/", _body(setting))


def same_request(setting: Setting) -> Measured:
    """Fairlead's graph, asked with the very request that Fairlead is asked with."""
    yield from _floor(setting, FLOOR, setting.scenario.graph, "open_inference")


def plain_row(setting: Setting) -> Measured:
    """Fairlead's graph, asked with the row as a plain JSON object."""
    yield from _floor(setting, FLOOR_PLAIN, setting.scenario.graph, "plain")


def exported(setting: Setting) -> Measured:
    """The graph that skl2onnx and onnxmltools make of the pipeline; for information."""
    scenario, graph = setting.scenario, setting.scratch / "skl2onnx.onnx"
    export = [setting.python("skl2onnx"), "-W", "ignore", setting.program("export_skl2onnx.py")]
    done = subprocess.run([*export, str(scenario.pipeline), str(scenario.sample), str(graph)], capture_output=True)
    if done.returncode:
        # Their exporters' limits are no concern of this benchmark; the line is left out, and why is told.
        print(f"{FLOOR_EXPORTED}: no graph, {done.stderr.decode().strip().splitlines()[-1][:200]}")
        return
    yield from _floor(setting, FLOOR_EXPORTED, graph, "open_inference")


def _floor(setting: Setting, name: str, graph: Path, form: str) -> Measured:
    port, scenario = free_port(), setting.scenario
    command = [setting.python("floor"), setting.program("asgi_onnx.py"), str(port), str(graph), str(scenario.sample)]
    url = f"http://127.0.0.1:{port}/"
    with setting.server([*command, form], listens(port)) as pid:
        body = json.dumps(scenario.row).encode() if form == "plain" else _body(setting)
        answer = setting.post(url, body)
        scenario.check(answer["probabilities"][1] if form == "plain" else requests.probability_of(answer), name)
        yield name, setting.load.http(pid, url, body)


def _body(setting: Setting) -> bytes:
    return json.dumps(requests.open_inference(setting.scenario, [setting.scenario.row])).encode()
