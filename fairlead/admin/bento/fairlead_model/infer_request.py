"""An inference request in JSON, as the Open Inference Protocol has it."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pydantic_core import from_json

from .json_tensors import Tensor, parameters_of, tensor_of, text_member
from .manifest import Manifest
from .outputs import Wanted, wanted_outputs
from .rows import Refused

EXPLAIN, INTERVAL, ROUTING_KEY = "fairlead_explain", "fairlead_interval", "fairlead_routing_key"
KNOWN = (ROUTING_KEY, EXPLAIN, INTERVAL)
_UNITS = {"H": 3600.0, "M": 60.0, "S": 1.0, "m": 1e-3, "u": 1e-6, "n": 1e-9}
_GRPC_TIMEOUT = re.compile(r"(\d{1,8})([HMSmun])")


@dataclass(frozen=True)
class InferRequest:
    """Tensors and the outputs wanted; timeout: the seconds that its parameters give it, None for no limit."""

    id: str
    tensors: Sequence[Tensor]
    outputs: Sequence[Wanted]
    timeout: float | None


def parse_infer_request(manifest: Manifest, body: bytes) -> InferRequest:
    """Return the request in a body. Raises Refused naming the tensor or the member that is wrong."""
    try:
        head = from_json(body)
    except ValueError as error:
        raise Refused(f"the request is not valid JSON: {error}") from None
    if not isinstance(head, dict):
        raise Refused('the request is no JSON object; send {"inputs": [...]}')
    inputs = head.get("inputs")
    if not isinstance(inputs, list) or not inputs:
        raise Refused('inputs: a list of tensors is expected: {"name", "shape", "datatype", "data"}')
    parameters = parameters_of(head)
    _check_parameters(parameters)
    return InferRequest(
        text_member(head.get("id"), "id"),
        [tensor_of(index, given) for index, given in enumerate(inputs)],
        wanted_outputs(manifest, head.get("outputs")),
        _timeout(parameters),
    )


def seconds_of(header: str) -> float:
    """Return the seconds of a header Grpc-Timeout such as 500m. Raises Refused for another form."""
    found = _GRPC_TIMEOUT.fullmatch(header.strip())
    if found is None:
        raise Refused(
            f"the header Grpc-Timeout is {header[:40]!r}; at most 8 digits and one of "
            "H, M, S, m (milliseconds), u, n are expected, such as 500m"
        )
    return int(found[1]) * _UNITS[found[2]]


def _check_parameters(parameters: Mapping[str, Any]) -> None:
    """Raise Refused for what only a deployment answers, which else would be taken for answered."""
    for name in (EXPLAIN, INTERVAL):
        if parameters.get(name):
            raise Refused(f"parameter '{name}': a Bento has no explanations and no intervals; a deployment has")
    unknown = next((name for name in parameters if name.startswith("fairlead_") and name not in KNOWN), None)
    if unknown is not None:
        raise Refused(f"parameter '{unknown}': there is no such parameter; there are {', '.join(KNOWN)}")


def _timeout(parameters: Mapping[str, Any]) -> float | None:
    """Return the seconds of the parameter `timeout`, in microseconds as Triton has it; None for none."""
    timeout = parameters.get("timeout")
    if timeout is None or timeout == 0:
        return None
    if isinstance(timeout, bool) or not isinstance(timeout, int) or timeout < 0:
        raise Refused(f"parameter 'timeout': it is {timeout!r:.60}; a whole number of microseconds is expected")
    return min(timeout, 10**15) / 1_000_000
