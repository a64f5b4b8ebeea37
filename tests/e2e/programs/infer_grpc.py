"""Predicts rows through the Open Inference Protocol's gRPC and prints the scores as JSON."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import tritonclient.grpc as triton
from tensors import column


def main() -> None:
    request = json.loads(Path(sys.argv[1]).read_text())
    headers = {"authorization": f"Bearer {request['token']}"}
    client = triton.InferenceServerClient(request["address"])
    metadata = client.get_model_metadata(request["model"], headers=headers, as_json=True)
    inputs = []
    for described in metadata["inputs"]:
        values = column(described["name"], described["datatype"], request["rows"])
        tensor = triton.InferInput(described["name"], list(values.shape), described["datatype"])
        tensor.set_data_from_numpy(values)
        inputs.append(tensor)
    result = client.infer(request["model"], inputs, headers=headers)
    probabilities = result.as_numpy("predict_proba")
    scores = result.as_numpy("predict").ravel() if probabilities is None else probabilities[:, -1]
    print(json.dumps([float(score) for score in scores]))


if __name__ == "__main__":
    main()
