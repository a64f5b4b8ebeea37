"""The same rows as each server wants them, and the probability in what it answers."""

from __future__ import annotations

import json
from typing import Any

import numpy as np

from fairlead.api.inference.v2 import open_inference_pb2 as pb

from .scenario import Row, Scenario

PANDAS = {"content_type": "pd"}
TEXT = {"content_type": "str"}


def open_inference(scenario: Scenario, rows: list[Row]) -> dict[str, Any]:
    """The Open Inference Protocol: a tensor a column."""
    return {
        "inputs": [
            {
                "name": column.name,
                "shape": [len(rows), 1],
                "datatype": "BYTES" if column.kind == "text" else "FP64",
                "data": [row[column.name] for row in rows],
            }
            for column in scenario.inputs
        ]
    }


def open_inference_for_mlserver(scenario: Scenario, rows: list[Row]) -> dict[str, Any]:
    """The same, with the hints from which MLServer makes a DataFrame."""
    body = open_inference(scenario, rows)
    for tensor in body["inputs"]:
        if tensor["datatype"] == "BYTES":
            tensor["parameters"] = TEXT
    return {"parameters": PANDAS, **body, "outputs": [{"name": "predict_proba"}]}


def open_inference_binary(scenario: Scenario, rows: list[Row]) -> tuple[bytes, dict[str, str]]:
    """The same with the tensors as raw bytes behind the JSON, as tritonclient sends them; body and headers."""
    body = open_inference(scenario, rows)
    parts = []
    for tensor in body["inputs"]:
        parts.append(_raw(tensor.pop("data"), tensor["datatype"]))
        tensor["parameters"] = {"binary_data_size": len(parts[-1])}
    body["parameters"] = {"binary_data_output": True}
    head = json.dumps(body).encode()
    headers = {"content-type": "application/octet-stream", "inference-header-content-length": str(len(head))}
    return head + b"".join(parts), headers


def open_inference_message(scenario: Scenario, rows: list[Row], name: str) -> pb.ModelInferRequest:
    """The same as a gRPC message with raw contents, as tritonclient sends it."""
    message = pb.ModelInferRequest(model_name=name)
    for tensor in open_inference(scenario, rows)["inputs"]:
        message.inputs.add(name=tensor["name"], datatype=tensor["datatype"], shape=tensor["shape"])
        message.raw_input_contents.append(_raw(tensor["data"], tensor["datatype"]))
    return message


def mlserver_message(scenario: Scenario, rows: list[Row], name: str) -> pb.ModelInferRequest:
    """The same for MLServer, with its hints."""
    message = open_inference_message(scenario, rows, name)
    message.parameters["content_type"].string_param = "pd"
    for tensor in message.inputs:
        if tensor.datatype == "BYTES":
            tensor.parameters["content_type"].string_param = "str"
    message.outputs.add(name="predict_proba")
    return message


def probability_of(answer: dict[str, Any]) -> float:
    """The second class's probability of the first row, in a JSON answer of the protocol."""
    outputs = {output["name"]: output for output in answer["outputs"]}
    return float(np.ravel(outputs["predict_proba"]["data"])[1])


def probability_of_message(answer: pb.ModelInferResponse) -> float:
    """The same, in a gRPC answer."""
    names = [output.name for output in answer.outputs]
    place = names.index("predict_proba")
    if answer.raw_output_contents:
        return float(np.frombuffer(answer.raw_output_contents[place], np.float64)[1])
    return float(answer.outputs[place].contents.fp64_contents[1])


def _raw(data: list[Any], datatype: str) -> bytes:
    if datatype != "BYTES":
        return np.array(data, dtype=np.float64).tobytes()
    return b"".join(len(text).to_bytes(4, "little") + text for text in (value.encode() for value in data))
