"""JSON tensors of the Open Inference Protocol to its gRPC messages and back."""

from __future__ import annotations

from typing import Any

from fairlead.api.inference.v2.open_inference_pb2 import InferParameter, ModelInferRequest, ModelInferResponse
from fairlead.kit.errors import FieldViolation, InvalidArgument

from .convert import Json
from .domain.tensors import datatype_of, flat_values, json_values, raw_values
from .schemas.inference import InferenceRequest, Tensor

# They tell how tensors travel between caller and server, which is settled here.
TRAVEL_PARAMETERS = frozenset({"binary_data", "binary_data_output", "binary_data_size"})


def request_message(model: str, version: str, body: InferenceRequest) -> ModelInferRequest:
    """Return the gRPC request. Raises InvalidArgument naming the tensor that is wrong."""
    request = ModelInferRequest(model_name=model, model_version=version, id=body.id)
    _set_parameters(request.parameters, body.parameters)
    for tensor in body.inputs:
        _add_input(request, tensor)
    for output in body.outputs:
        _set_parameters(request.outputs.add(name=output.name).parameters, output.parameters)
    return request


def answer_json(answer: ModelInferResponse) -> Json:
    """Return the answer's tensors as JSON, flat and row-major."""
    outputs = []
    for index, output in enumerate(answer.outputs):
        datatype = datatype_of(output.datatype, output.name)
        if answer.raw_output_contents:
            values = raw_values(answer.raw_output_contents[index], datatype)
        else:
            values = list(getattr(output.contents, datatype.contents))
        outputs.append(
            {
                "name": output.name,
                "datatype": output.datatype,
                "shape": list(output.shape),
                "parameters": _parameters(output.parameters),
                "data": json_values(values),
            }
        )
    return {
        "model_name": answer.model_name,
        "model_version": answer.model_version,
        "id": answer.id,
        "parameters": _parameters(answer.parameters),
        "outputs": outputs,
    }


def _add_input(request: ModelInferRequest, tensor: Tensor) -> None:
    datatype = datatype_of(tensor.datatype, tensor.name)
    values = flat_values(tensor.data, tensor.shape, datatype, tensor.name)
    message = request.inputs.add(name=tensor.name, datatype=tensor.datatype, shape=tensor.shape)
    _set_parameters(message.parameters, tensor.parameters)
    try:
        getattr(message.contents, datatype.contents).extend(values)
    except ValueError as error:
        rule = f"a value does not fit {tensor.datatype}: {error}"
        violations = [FieldViolation(f"inputs.{tensor.name}.data", rule)]
        raise InvalidArgument(f"tensor '{tensor.name}': {rule}", violations=violations) from None


def _set_parameters(target: Any, parameters: dict[str, Any] | None) -> None:
    for name, value in (parameters or {}).items():
        if name not in TRAVEL_PARAMETERS:
            target[name].CopyFrom(_parameter(name, value))


def _parameter(name: str, value: object) -> InferParameter:
    if isinstance(value, bool):
        return InferParameter(bool_param=value)
    if isinstance(value, int) and -(2**63) <= value < 2**63:
        return InferParameter(int64_param=value)
    if isinstance(value, float):
        return InferParameter(double_param=value)
    if isinstance(value, str):
        return InferParameter(string_param=value)
    rule = "must be a boolean, a number or a text"
    raise InvalidArgument(f"parameter '{name}' {rule}", violations=[FieldViolation(f"parameters.{name}", rule)])


def _parameters(parameters: Any) -> dict[str, Any] | None:
    values = {
        name: getattr(each, each.WhichOneof("parameter_choice") or "string_param") for name, each in parameters.items()
    }
    return values or None
