"""Errors on the wire: FairleadError to google.rpc.Status and back."""

from __future__ import annotations

from typing import cast

import grpc
from google.protobuf.duration_pb2 import Duration
from google.protobuf.message import DecodeError
from google.rpc import error_details_pb2, status_pb2

from fairlead.kit.errors import Code, FairleadError, FieldViolation, error_for

DETAILS_KEY = "grpc-status-details-bin"
GRPC_CODES: dict[Code, grpc.StatusCode] = {code: grpc.StatusCode[code.value] for code in Code}
# What the transport itself may answer beyond our own codes.
_FROM_GRPC: dict[grpc.StatusCode, Code] = {
    **{grpc_code: code for code, grpc_code in GRPC_CODES.items()},
    grpc.StatusCode.OUT_OF_RANGE: Code.INVALID_ARGUMENT,
    grpc.StatusCode.DATA_LOSS: Code.INTERNAL,
    grpc.StatusCode.UNKNOWN: Code.INTERNAL,
}
_FROM_NUMBER: dict[int, Code] = {grpc_code.value[0]: code for grpc_code, code in _FROM_GRPC.items()}


# What gRPC says, as UNKNOWN, of a call whose connection broke while it was being sent.
_BROKE = "stream removed"


def to_details(error: FairleadError) -> bytes:
    """Return the serialized google.rpc.Status of an error, with its details."""
    status = status_pb2.Status(code=GRPC_CODES[error.code].value[0], message=error.message)
    if error.violations:
        violations = [
            error_details_pb2.BadRequest.FieldViolation(field=v.field, description=v.description)
            for v in error.violations
        ]
        status.details.add().Pack(error_details_pb2.BadRequest(field_violations=violations))
    if error.resource:
        status.details.add().Pack(error_details_pb2.ResourceInfo(resource_name=error.resource))
    if error.retry_after is not None:
        delay = Duration()
        delay.FromNanoseconds(int(error.retry_after * 1e9))
        status.details.add().Pack(error_details_pb2.RetryInfo(retry_delay=delay))
    return bytes(status.SerializeToString())


def from_rpc_error(error: grpc.RpcError) -> FairleadError:
    """Return the FairleadError that a failed call carries."""
    # Failures of calls are both RpcError and Call, which the types can't express.
    call = cast(grpc.Call, error)
    code = Code.UNAVAILABLE if is_broken(call) else _FROM_GRPC.get(call.code(), Code.INTERNAL)
    message = call.details() or code.value
    details = next((value for key, value in call.trailing_metadata() or () if key == DETAILS_KEY), None)
    if not isinstance(details, bytes):
        return error_for(code, message)
    try:
        status = status_pb2.Status.FromString(details)
    except DecodeError:
        return error_for(code, message)
    return _with_details(code, message, status)


def is_broken(call: grpc.Call | grpc.aio.AioRpcError) -> bool:
    """Return whether a call failed for want of a connection, or because it broke, and not because a server said so.

    What a server of ours says has details; the transport knows none.
    """
    code = call.code()
    if code is grpc.StatusCode.UNKNOWN:
        return (call.details() or "").lower().startswith(_BROKE)
    return code is grpc.StatusCode.UNAVAILABLE and all(key != DETAILS_KEY for key, _ in call.trailing_metadata() or ())


def from_details(details: bytes) -> FairleadError:
    """Return the FairleadError that to_details() wrote. Raises DecodeError for other bytes."""
    status = status_pb2.Status.FromString(details)
    code = _FROM_NUMBER.get(status.code, Code.INTERNAL)
    return _with_details(code, status.message or code.value, status)


def _with_details(code: Code, message: str, status: status_pb2.Status) -> FairleadError:
    violations: list[FieldViolation] = []
    resource, retry_after = "", None
    for detail in status.details:
        bad_request, info, retry = (
            error_details_pb2.BadRequest(),
            error_details_pb2.ResourceInfo(),
            error_details_pb2.RetryInfo(),
        )
        if detail.Unpack(bad_request):
            violations += [FieldViolation(v.field, v.description) for v in bad_request.field_violations]
        elif detail.Unpack(info):
            resource = info.resource_name
        elif detail.Unpack(retry):
            retry_after = retry.retry_delay.ToNanoseconds() / 1e9
    return error_for(code, message, violations=violations, resource=resource, retry_after=retry_after)
