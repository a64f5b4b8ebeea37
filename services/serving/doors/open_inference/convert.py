"""The Open Inference Protocol's messages to tensors and back."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import lru_cache

import numpy as np

from fairlead.api.inference.v2 import open_inference_pb2 as pb
from fairlead.kit.errors import InvalidArgument

from ...domain.inference import Answer, AnsweredRows
from ...domain.models.prediction import Prediction
from ...domain.requests.content_types import CONTENT_TYPE, decode_content
from ...domain.requests.limits import LIMITS, RequestLimits
from ...domain.requests.outputs import OutputTensor, RequestedOutput, TensorInfo, output_tensors
from ...domain.requests.raw_tensors import decode_raw, encode_raw, encode_texts, numeric_dtype, text_array
from ...domain.requests.tensors import BYTES, Tensor, check_size, invalid_tensor

_CONTENTS = {
    "BOOL": "bool_contents",
    "INT8": "int_contents",
    "INT16": "int_contents",
    "INT32": "int_contents",
    "INT64": "int64_contents",
    "UINT8": "uint_contents",
    "UINT16": "uint_contents",
    "UINT32": "uint_contents",
    "UINT64": "uint64_contents",
    "FP32": "fp32_contents",
    "FP64": "fp64_contents",
}


CLASSIFICATION = "classification"


def tensors_of(request: pb.ModelInferRequest, limits: RequestLimits = LIMITS) -> list[Tensor]:
    """Return a request's inputs. Raises InvalidArgument naming the tensor that is wrong."""
    raw = request.raw_input_contents
    # A raw element takes a byte at least, so that smaller requests need no counting.
    if not raw or sum(map(len, raw)) > limits.elements:
        limits.check_elements(sum(math.prod(tensor.shape) for tensor in request.inputs))
    if not raw:
        return [_with_content(tensor, _typed(tensor)) for tensor in request.inputs]
    if len(raw) != len(request.inputs):
        raise InvalidArgument(f"{len(request.inputs)} inputs came with {len(raw)} raw contents; send one for each")
    # MLServer's clients send contents that are empty.
    typed = next((tensor.name for tensor in request.inputs if tensor.contents.ByteSize()), None)
    if typed is not None:
        raise invalid_tensor(typed, "it has contents beside raw_input_contents; send one of the two")
    return [
        _with_content(tensor, decode_raw(tensor.name, tensor.datatype, tensor.shape, data))
        for tensor, data in zip(request.inputs, raw, strict=True)
    ]


def parameters_of(parameters: Mapping[str, pb.InferParameter]) -> dict[str, object]:
    """Return the values of parameters by name."""
    found: dict[str, object] = {}
    for name, parameter in parameters.items():
        choice = parameter.WhichOneof("parameter_choice")
        found[name] = None if choice is None else getattr(parameter, choice)
    return found


def requested_outputs(request: pb.ModelInferRequest) -> list[RequestedOutput]:
    """Return the outputs that a request names. Raises InvalidArgument for a number of classes that is none."""
    return [RequestedOutput(output.name, _top(output)) for output in request.outputs]


def _top(output: pb.ModelInferRequest.InferRequestedOutputTensor) -> int:
    if CLASSIFICATION not in output.parameters:
        return 0
    top = parameters_of(output.parameters)[CLASSIFICATION]
    if type(top) is not int or top < 0:
        raise InvalidArgument(
            f"output '{output.name}': classification is {top!r:.60}; a whole number of classes is expected"
        )
    return top


def _with_content(sent: pb.ModelInferRequest.InferInputTensor, tensor: Tensor) -> Tensor:
    if tensor.datatype != BYTES or CONTENT_TYPE not in sent.parameters:
        return tensor
    content_type = sent.parameters[CONTENT_TYPE].string_param
    return tensor._replace(data=decode_content(tensor.name, content_type, tensor.data), decoded=True)


def _typed(tensor: pb.ModelInferRequest.InferInputTensor) -> Tensor:
    shape = tuple(tensor.shape)
    if tensor.datatype == BYTES:
        data = text_array(tensor.name, tensor.contents.bytes_contents)
    else:
        field = _CONTENTS.get(tensor.datatype)
        if field is None:
            numeric_dtype(tensor.name, tensor.datatype)
            raise invalid_tensor(tensor.name, f"{tensor.datatype} has no typed contents; send raw_input_contents")
        dtype = numeric_dtype(tensor.name, tensor.datatype)
        try:
            data = np.array(getattr(tensor.contents, field), dtype=dtype)
        except OverflowError as error:
            raise invalid_tensor(tensor.name, f"an element does not fit {tensor.datatype} ({error})") from None
    check_size(tensor.name, shape, len(data))
    return Tensor(tensor.name, tensor.datatype, shape, data)


def to_infer_response(model_name: str, answer: Answer, outputs: Sequence[RequestedOutput]) -> pb.ModelInferResponse:
    """Return an answer with the outputs asked for, as raw bytes, which every client reads."""
    prediction = answer.prediction
    if prediction.rows == 1 and not outputs and answer.explanation is None and answer.interval is None:
        return next(row_messages(model_name, AnsweredRows(range(1), [answer.request_id], answer.model, prediction)))
    tensors = output_tensors(
        prediction,
        outputs,
        classes=answer.model.schema.classes,
        explanation=answer.explanation,
        interval=answer.interval,
    )
    return pb.ModelInferResponse(
        model_name=model_name,
        model_version=answer.model.number,
        id=answer.request_id,
        outputs=[_output(tensor) for tensor in tensors],
        raw_output_contents=[encode_raw(tensor) for tensor in tensors],
    )


def row_messages(model_name: str, answered: AnsweredRows) -> Iterator[pb.ModelInferResponse]:
    """Return the answer to each request of a row, which mostly comes; all but the values is the same for each."""
    prediction, number = answered.prediction, answered.model.number
    outputs = prediction.probabilities if prediction.values is None else prediction.values
    assert outputs is not None
    constant = _constant(model_name, number, 0 if prediction.labels is None else outputs.shape[1])
    for index, request_id in enumerate(answered.request_ids):
        response = pb.ModelInferResponse.FromString(constant)
        response.id = request_id
        if prediction.labels is not None:
            response.raw_output_contents.append(_raw_label(prediction.labels[index]))
        response.raw_output_contents.append(outputs[index].tobytes())
        yield response


@lru_cache(maxsize=1024)
def _constant(model_name: str, number: str, classes: int) -> bytes:
    """Return the bytes of a row's answer without its id and values; no classes stand for a regression."""
    numbers = np.zeros((1, classes) if classes else 1)
    blank = Prediction(1, labels=[""], probabilities=numbers) if classes else Prediction(1, values=numbers)
    response = pb.ModelInferResponse(
        model_name=model_name, model_version=number, outputs=[_output(tensor) for tensor in output_tensors(blank)]
    )
    return response.SerializeToString()


@lru_cache(maxsize=1024)
def _raw_label(label: str) -> bytes:
    return encode_texts([label])


def _output(tensor: OutputTensor) -> pb.ModelInferResponse.InferOutputTensor:
    output = pb.ModelInferResponse.InferOutputTensor(name=tensor.name, datatype=tensor.datatype, shape=tensor.shape)
    for name, value in (tensor.parameters or {}).items():
        if isinstance(value, str):
            output.parameters[name].string_param = value
        else:
            output.parameters[name].double_param = value
    return output


def to_metadata(infos: Iterable[TensorInfo]) -> list[pb.ModelMetadataResponse.TensorMetadata]:
    """Return tensors as metadata lists them."""
    return [
        pb.ModelMetadataResponse.TensorMetadata(name=info.name, datatype=info.datatype, shape=info.shape)
        for info in infos
    ]
