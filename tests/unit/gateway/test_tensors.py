"""Open Inference Protocol tensors between JSON and gRPC."""

from __future__ import annotations

import math
import struct
from typing import Any

import pytest

from fairlead.api.inference.v2.open_inference_pb2 import ModelInferResponse
from fairlead.kit.errors import InvalidArgument
from services.gateway.inference_wire import answer_json, request_message
from services.gateway.schemas.inference import InferenceRequest

Tensor = dict[str, Any]


def tensor(datatype: str, data: list[Any], shape: list[int] | None = None) -> Tensor:
    return {"name": "x", "datatype": datatype, "shape": shape or [len(data)], "data": data}


def request(*tensors: Tensor, **others: Any) -> InferenceRequest:
    return InferenceRequest.model_validate({"inputs": list(tensors), **others})


def test_values_travel_in_the_member_of_their_datatype() -> None:
    message = request_message("p.d", "1", request(tensor("FP64", [1, 2.5]), id="42"))

    assert (message.model_name, message.model_version, message.id) == ("p.d", "1", "42")
    assert list(message.inputs[0].contents.fp64_contents) == [1.0, 2.5]


def test_nested_data_is_flattened_row_major() -> None:
    message = request_message("m", "", request(tensor("INT64", [[1, 2], [3, 4]], [2, 2])))

    assert list(message.inputs[0].contents.int64_contents) == [1, 2, 3, 4]


def test_null_is_nan_in_floats_and_empty_in_texts() -> None:
    message = request_message("m", "", request(tensor("FP32", [None]), tensor("BYTES", [None, "é"])))

    assert math.isnan(message.inputs[0].contents.fp32_contents[0])
    assert list(message.inputs[1].contents.bytes_contents) == [b"", "é".encode()]


def test_parameters_pass_but_for_those_on_how_tensors_travel() -> None:
    parameters = {"binary_data_output": False, "a": True, "b": 3, "c": 0.5, "d": "x"}
    message = request_message("m", "", request(tensor("BOOL", [True]), parameters=parameters))

    assert {name: each.WhichOneof("parameter_choice") for name, each in message.parameters.items()} == {
        "a": "bool_param",
        "b": "int64_param",
        "c": "double_param",
        "d": "string_param",
    }


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        (tensor("FP16", [1]), "datatype 'FP16'"),
        (tensor("FP64", ["a"]), "tensor 'x': 'a' is no value of datatype FP64"),
        (tensor("FP64", [1, 2], [3]), "has 2 values, but its shape [3] needs 3"),
        (tensor("INT32", [2**40]), "does not fit INT32"),
        (tensor("BYTES", [1]), "1 is no value of datatype BYTES"),
    ],
)
def test_a_wrong_tensor_is_named(wrong: Tensor, said: str) -> None:
    with pytest.raises(InvalidArgument) as failure:
        request_message("m", "", request(wrong))

    assert said in failure.value.message


def test_a_parameter_that_the_protocol_can_not_carry_is_refused() -> None:
    with pytest.raises(InvalidArgument, match="parameter 'a'"):
        request_message("m", "", request(tensor("BOOL", [True]), parameters={"a": [1]}))


def test_raw_answers_are_told_as_values() -> None:
    answer = ModelInferResponse(model_name="m", model_version="1", id="42")
    answer.outputs.add(name="probabilities", datatype="FP32", shape=[1, 2])
    answer.outputs.add(name="label", datatype="BYTES", shape=[2])
    answer.raw_output_contents.append(struct.pack("<2f", 0.25, math.nan))
    answer.raw_output_contents.append(b"\x02\x00\x00\x00ab\x00\x00\x00\x00")

    outputs = answer_json(answer)["outputs"]

    assert [output["data"] for output in outputs] == [[0.25, None], ["ab", ""]]


def test_typed_answers_are_told_as_values() -> None:
    answer = ModelInferResponse(model_name="m")
    answer.outputs.add(name="n", datatype="INT64", shape=[2]).contents.int64_contents.extend([1, 2])

    assert answer_json(answer)["outputs"][0]["data"] == [1, 2]
