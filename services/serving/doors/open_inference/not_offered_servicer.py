"""Calls of other servers of the Open Inference Protocol that have no meaning here, answered by saying so."""

from __future__ import annotations

from typing import Any, NoReturn

from fairlead.api.inference.v2.open_inference_pb2_grpc import GRPCInferenceServiceServicer
from fairlead.kit.errors import Unimplemented

from ...domain.server_info import NOT_OFFERED


def _refusal(method: str) -> Any:
    """Return a method that refuses; untyped, since it takes any call's request."""

    def refuse(_self: object, _request: object, _context: object) -> NoReturn:
        raise Unimplemented(f"{method} {NOT_OFFERED}")

    return refuse


class NotOfferedServicer(GRPCInferenceServiceServicer):
    """Refuses shared memory (tensors come with requests), and traces' and logs' settings (the process has its own)."""

    SystemSharedMemoryStatus = _refusal("SystemSharedMemoryStatus")
    SystemSharedMemoryRegister = _refusal("SystemSharedMemoryRegister")
    SystemSharedMemoryUnregister = _refusal("SystemSharedMemoryUnregister")
    CudaSharedMemoryStatus = _refusal("CudaSharedMemoryStatus")
    CudaSharedMemoryRegister = _refusal("CudaSharedMemoryRegister")
    CudaSharedMemoryUnregister = _refusal("CudaSharedMemoryUnregister")
    TraceSetting = _refusal("TraceSetting")
    LogSettings = _refusal("LogSettings")
