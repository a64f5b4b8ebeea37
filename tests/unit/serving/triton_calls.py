"""Calls a server of the Open Inference Protocol with the stock tritonclient, and prints what it got as JSON.

Run as a process of its own: tritonclient's `inference` protobuf symbols clash with Fairlead's in one process.
Arguments: HTTP host:port, gRPC host:port, model name, regression model name, token.
"""

from __future__ import annotations

import json
import sys
from typing import Any

import numpy as np
import tritonclient.grpc as triton_grpc
import tritonclient.http as triton_http
from tritonclient.utils import InferenceServerException

VALUES = {
    "age": np.array([[39.0], [61.0], [25.0]]),
    "hours-per-week": np.array([[40.0], [65.0], [20.0]], dtype=np.float32),
    "workclass": np.array([[b"Private"], [b""], [b"unseen"]], dtype=object),
}
DATATYPES = {"age": "FP64", "hours-per-week": "FP32", "workclass": "BYTES"}


def bearer(token: str) -> dict[str, str]:
    """New at each call, for the HTTP client adds headers of its own to the dict that it is given."""
    return {"authorization": f"Bearer {token}"}


def inputs(module: Any, **binary: bool) -> list[Any]:
    tensors = []
    for name, values in VALUES.items():
        tensor = module.InferInput(name, list(values.shape), DATATYPES[name])
        tensor.set_data_from_numpy(values, **binary)
        tensors.append(tensor)
    return tensors


def outcome(result: Any) -> dict[str, Any]:
    return {
        "labels": [label.decode() for label in result.as_numpy("predict").tolist()],
        "probabilities": result.as_numpy("predict_proba").tolist(),
    }


def refusal(call: Any) -> str:
    try:
        call()
    except InferenceServerException as error:
        return str(error)
    return "was not refused"


def by_http(address: str, model: str, regression: str, token: str) -> dict[str, Any]:
    client = triton_http.InferenceServerClient(address)
    asked = [triton_http.InferRequestedOutput("predict_proba", binary_data=False)]
    matrix = triton_http.InferInput("matrix", [2, 2], "FP64")
    matrix.set_data_from_numpy(np.array([[3.0, 1.0], [1.0, 2.0]]))
    rows = triton_http.InferInput("rows", [1], "BYTES")
    rows.set_data_from_numpy(np.array([b'{"rooms": 3, "age": 1}'], dtype=object))
    wrong = triton_http.InferInput("age", [1, 1], "FP64")
    wrong.set_data_from_numpy(np.array([[1.0]]))
    named = client.infer(model, inputs(triton_http), outputs=asked, headers=bearer(token), request_id="mine")
    return {
        "live": client.is_server_live(),
        "ready": client.is_server_ready(),
        "model_ready": client.is_model_ready(model, headers=bearer(token)),
        "server": client.get_server_metadata(headers=bearer(token)),
        "metadata": client.get_model_metadata(model, headers=bearer(token)),
        "config": client.get_model_config(model, headers=bearer(token)),
        "index": client.get_model_repository_index(headers=bearer(token)),
        "infer": outcome(client.infer(model, inputs(triton_http), headers=bearer(token))),
        "json_inputs": outcome(client.infer(model, inputs(triton_http, binary_data=False), headers=bearer(token))),
        "gzip": outcome(
            client.infer(
                model,
                inputs(triton_http),
                headers=bearer(token),
                request_compression_algorithm="gzip",
                response_compression_algorithm="gzip",
            )
        ),
        "deflate": outcome(
            client.infer(model, inputs(triton_http), headers=bearer(token), request_compression_algorithm="deflate")
        ),
        "named": named.get_response(),
        "matrix": client.infer(regression, [matrix], headers=bearer(token)).as_numpy("predict").tolist(),
        "rows": client.infer(regression, [rows], headers=bearer(token)).as_numpy("predict").tolist(),
        "refused": refusal(lambda: client.infer(model, [wrong], headers=bearer(token))),
        "unknown": refusal(lambda: client.get_model_metadata("p.unknown", headers=bearer(token))),
        "no_token": refusal(lambda: client.get_model_metadata(model)),
        "statistics": client.get_inference_statistics(model, headers=bearer(token)),
    }


def by_grpc(address: str, model: str, regression: str, token: str) -> dict[str, Any]:
    client = triton_grpc.InferenceServerClient(address)
    asked = [triton_grpc.InferRequestedOutput("predict_proba")]
    matrix = triton_grpc.InferInput("matrix", [2, 2], "FP64")
    matrix.set_data_from_numpy(np.array([[3.0, 1.0], [1.0, 2.0]]))
    wrong = triton_grpc.InferInput("age", [1, 1], "FP64")
    wrong.set_data_from_numpy(np.array([[1.0]]))
    named = client.infer(model, inputs(triton_grpc), outputs=asked, headers=bearer(token), request_id="mine")
    return {
        "live": client.is_server_live(headers=bearer(token)),
        "ready": client.is_server_ready(headers=bearer(token)),
        "model_ready": client.is_model_ready(model, headers=bearer(token)),
        "server": client.get_server_metadata(headers=bearer(token), as_json=True),
        "metadata": client.get_model_metadata(model, headers=bearer(token), as_json=True),
        "index": client.get_model_repository_index(headers=bearer(token), as_json=True),
        "infer": outcome(client.infer(model, inputs(triton_grpc), headers=bearer(token))),
        "gzip": outcome(client.infer(model, inputs(triton_grpc), headers=bearer(token), compression_algorithm="gzip")),
        "named": {
            "id": named.get_response().id,
            "outputs": [output.name for output in named.get_response().outputs],
        },
        "matrix": client.infer(regression, [matrix], headers=bearer(token)).as_numpy("predict").tolist(),
        "refused": refusal(lambda: client.infer(model, [wrong], headers=bearer(token))),
        "unknown": refusal(lambda: client.get_model_metadata("p.unknown", headers=bearer(token))),
        "no_token": refusal(lambda: client.get_model_metadata(model)),
    }


if __name__ == "__main__":
    http_address, grpc_address, *rest = sys.argv[1:]
    answers = {"http": by_http(http_address, *rest), "grpc": by_grpc(grpc_address, *rest)}
    print(json.dumps(answers))
