"""Floor: a raw ASGI endpoint with the ONNX graph. Usage: asgi_onnx.py PORT GRAPH SAMPLE open_inference|plain

No token, no checks, no log, no metrics: JSON to tensors, one run, JSON back.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import orjson
import uvicorn

port, graph, sample_path, form = sys.argv[1:]
sample = json.loads(Path(sample_path).read_text("utf-8"))
classes, tensors = sample["classes"], sample["tensors"]
options = onnxruntime.SessionOptions()
options.intra_op_num_threads = options.inter_op_num_threads = 1
session = onnxruntime.InferenceSession(graph, options, providers=["CPUExecutionProvider"])
run = session.run
dtypes = {"tensor(string)": object, "tensor(double)": np.float64, "tensor(float)": np.float32}
types = {given.name: dtypes[given.type] for given in session.get_inputs()}
columns = [(name, tensor, types[tensor]) for name, tensor in tensors.items()]
OUTPUTS = ["probabilities"]


def plain(body: bytes) -> bytes:
    row = orjson.loads(body)
    probabilities = run(OUTPUTS, {tensor: np.array([[row[name]]], dtype) for name, tensor, dtype in columns})[0][0]
    answer = {"label": classes[probabilities.argmax()], "probabilities": probabilities}
    return orjson.dumps(answer, option=orjson.OPT_SERIALIZE_NUMPY)


def open_inference(body: bytes) -> bytes:
    given = {tensor["name"]: tensor["data"] for tensor in orjson.loads(body)["inputs"]}
    feeds = {tensor: np.array(given[name], dtype).reshape(-1, 1) for name, tensor, dtype in columns}
    probabilities = run(OUTPUTS, feeds)[0]
    labels = [classes[best] for best in probabilities.argmax(1)]
    outputs = [
        {"name": "predict", "datatype": "BYTES", "shape": [len(labels)], "data": labels},
        {"name": "predict_proba", "datatype": "FP64", "shape": probabilities.shape, "data": probabilities.ravel()},
    ]
    return orjson.dumps({"model_name": "income", "outputs": outputs}, option=orjson.OPT_SERIALIZE_NUMPY)


answer = plain if form == "plain" else open_inference


async def app(scope: Any, receive: Any, send: Any) -> None:  # noqa: ARG001
    message = await receive()
    body = message["body"]
    while message["more_body"]:
        message = await receive()
        body += message["body"]
    data = answer(body)
    headers = [(b"content-type", b"application/json"), (b"content-length", str(len(data)).encode())]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": data})


uvicorn.run(app, port=int(port), loop="uvloop", http="httptools", lifespan="off", log_level="error")
