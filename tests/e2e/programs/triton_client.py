"""Talks to a deployed model with nothing but a stock tritonclient; prints what it answered as JSON."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import tritonclient.grpc as triton_grpc
import tritonclient.http as triton_http
from tensors import column


def main() -> None:
    request = json.loads(Path(sys.argv[1]).read_text())
    headers = {"authorization": f"Bearer {request['token']}"}
    triton = triton_http if request["protocol"] == "http" else triton_grpc
    client = triton.InferenceServerClient(request["url"])
    as_json = {} if request["protocol"] == "http" else {"as_json": True}
    metadata = client.get_model_metadata(request["model"], headers=headers, **as_json)
    inputs = []
    for described in metadata["inputs"]:
        values = column(described["name"], described["datatype"], request["rows"])
        tensor = triton.InferInput(described["name"], list(values.shape), described["datatype"])
        tensor.set_data_from_numpy(values)
        inputs.append(tensor)
    result = client.infer(request["model"], inputs, headers=headers)
    print(
        json.dumps(
            {
                "ready": client.is_model_ready(request["model"], headers=headers),
                "metadata_name": metadata["name"],
                "labels": [value.decode() for value in result.as_numpy("predict").ravel()],
                "probabilities": result.as_numpy("predict_proba").tolist(),
            }
        )
    )


if __name__ == "__main__":
    main()
