"""The other services, by gRPC."""

from __future__ import annotations

import threading
from collections.abc import Callable
from functools import cached_property
from typing import Any

import grpc

from fairlead.api.conductor.v1.workflow_service_pb2_grpc import WorkflowServiceStub
from fairlead.api.drift.v1.experiment_service_pb2_grpc import ExperimentServiceStub
from fairlead.api.drift.v1.monitor_service_pb2_grpc import MonitorServiceStub
from fairlead.api.inference.v2.open_inference_pb2_grpc import GRPCInferenceServiceStub
from fairlead.api.profiler.v1.dataset_service_pb2_grpc import DatasetServiceStub
from fairlead.api.profiler.v1.profile_service_pb2_grpc import ProfileServiceStub
from fairlead.api.serving.v1.deployment_service_pb2_grpc import DeploymentServiceStub
from fairlead.api.serving.v1.prediction_service_pb2_grpc import PredictionServiceStub
from fairlead.api.tasks.v1.task_service_pb2_grpc import TaskServiceStub
from fairlead.api.trainer.v1.model_service_pb2_grpc import ModelServiceStub
from fairlead.api.trainer.v1.preparation_service_pb2_grpc import PreparationServiceStub
from fairlead.api.trainer.v1.run_service_pb2_grpc import RunServiceStub
from fairlead.kit.errors import FairleadError, NotFound, Unavailable
from fairlead.kit.rpc.certificates import certificates
from fairlead.kit.rpc.channel import connect_to
from fairlead.kit.rpc.repeating import READS

from ..settings import GatewaySettings
from .health import HealthCheck, check

# gRPC tells a lost connection and a service's own refusal apart by their words alone.
_SIGNS_OF_TRANSPORT = (
    *("failed to connect", "backends failing", "errors resolving", "dns resolution"),
    *("socket closed", "connection re", "goaway", "ipv4:", "ipv6:", "recvmsg"),
)
_READS = {
    "inference": ("Server", "RepositoryIndex", "ModelReady", "ModelMetadata", "ModelConfig", "ModelStatistics"),
}
"""What the names of methods that change nothing begin with, where they are not called Get and List."""
TASK_OWNERS = ("conductor", "trainer", "profiler", "serving")


class Services:
    """Stubs of all services; each connects at its first call."""

    def __init__(self, settings: GatewaySettings) -> None:
        self._settings = settings
        self._certificates = certificates(settings)
        self._channels: dict[str, grpc.Channel] = {}
        self._lock = threading.Lock()

    @cached_property
    def datasets(self) -> DatasetServiceStub:
        """Return the profiler's datasets."""
        return DatasetServiceStub(self._channel("profiler"))

    @cached_property
    def profiles(self) -> ProfileServiceStub:
        """Return the profiler's profiles."""
        return ProfileServiceStub(self._channel("profiler"))

    @cached_property
    def preparations(self) -> PreparationServiceStub:
        """Return the trainer's preparations."""
        return PreparationServiceStub(self._channel("trainer"))

    @cached_property
    def runs(self) -> RunServiceStub:
        """Return the trainer's runs."""
        return RunServiceStub(self._channel("trainer"))

    @cached_property
    def models(self) -> ModelServiceStub:
        """Return the trainer's model registry."""
        return ModelServiceStub(self._channel("trainer"))

    @cached_property
    def deployments(self) -> DeploymentServiceStub:
        """Return serving's deployments."""
        return DeploymentServiceStub(self._channel("serving"))

    @cached_property
    def predictions(self) -> PredictionServiceStub:
        """Return serving's predictions."""
        return PredictionServiceStub(self._channel("serving"))

    @cached_property
    def inference(self) -> GRPCInferenceServiceStub:
        """Return serving's Open Inference Protocol."""
        return GRPCInferenceServiceStub(self._channel("inference"))

    @cached_property
    def monitors(self) -> MonitorServiceStub:
        """Return drift's monitors."""
        return MonitorServiceStub(self._channel("drift"))

    @cached_property
    def experiments(self) -> ExperimentServiceStub:
        """Return drift's experiments."""
        return ExperimentServiceStub(self._channel("drift"))

    @cached_property
    def workflows(self) -> WorkflowServiceStub:
        """Return the conductor's workflows."""
        return WorkflowServiceStub(self._channel("conductor"))

    def tasks(self, owner: str) -> TaskServiceStub:
        """Return the tasks that a service owns. Raises NotFound for a service that owns none."""
        if owner not in TASK_OWNERS:
            raise NotFound(f"no service '{owner}' owns tasks")
        return TaskServiceStub(self._channel(owner))

    def address(self, service: str) -> str:
        """Return host:port of a service's gRPC server."""
        if service == "inference":
            return self._settings.inference_address
        return str(getattr(self._settings, f"{service}_address"))

    def health(self, service: str) -> HealthCheck:
        """Return how a service is."""
        return check(self.address(service), self._certificates)

    def close(self) -> None:
        """Close the connections."""
        with self._lock:
            for channel in self._channels.values():
                channel.close()

    def _channel(self, service: str) -> grpc.Channel:
        # Calls come from many threads, and a channel that lost the race would never be closed.
        with self._lock:
            if service not in self._channels:
                self._channels[service] = self._connect(service)
            return self._channels[service]

    def _connect(self, service: str) -> grpc.Channel:
        # The Open Inference Protocol is serving's, at a port of its own.
        name = "serving" if service == "inference" else service
        channel = connect_to(
            self._settings,
            name,
            address=self.address(service),
            timeout=self._settings.gateway_timeout_seconds,
            reads=_READS.get(service, READS),
        )
        return grpc.intercept_channel(channel, _NamesTheService(name))


class _NamesTheService(grpc.UnaryUnaryClientInterceptor):
    """Tells callers which service is away, where the transport tells of sockets."""

    def __init__(self, service: str) -> None:
        self._service = service

    def intercept_unary_unary(
        self, continuation: Callable[[Any, Any], Any], client_call_details: Any, request: Any
    ) -> Any:
        """Return the answered call. Raises FairleadError."""
        call = continuation(client_call_details, request)
        failure = call.exception()
        if isinstance(failure, FairleadError):
            raise named_failure(self._service, failure)
        return call


def named_failure(service: str, error: FairleadError) -> FairleadError:
    """Return the error, in words for callers of the gateway where it tells of a connection and not of the service."""
    if isinstance(error, Unavailable) and any(sign in error.message.lower() for sign in _SIGNS_OF_TRANSPORT):
        return Unavailable(f"the service '{service}' can't be reached now; try again in a few seconds", retry_after=2.0)
    return error
