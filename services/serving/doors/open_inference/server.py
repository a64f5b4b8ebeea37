"""The gRPC server of the Open Inference Protocol."""

from __future__ import annotations

from threading import Thread

from fairlead.api.inference.v2 import model_repository_pb2, open_inference_pb2
from fairlead.api.inference.v2.model_repository_pb2_grpc import add_ModelRepositoryServiceServicer_to_server
from fairlead.api.inference.v2.open_inference_pb2_grpc import add_GRPCInferenceServiceServicer_to_server
from fairlead.kit.rpc.server import RpcServer

from ...domain.inference import Inference
from ...domain.repository import ModelRepository
from ...settings import ServingSettings
from .model_repository_servicer import ModelRepositoryServicer
from .servicer import FREQUENT_METHODS, OPEN_METHODS, OpenInferenceServicer

LAST_ANSWERS_SECONDS = 1.0
"""How long before its time is over a stream gets its last answer."""


class OpenInferenceServer(RpcServer):
    """Answers the protocol's calls, and the repository's as a service of its own."""

    def __init__(self, settings: ServingSettings, inference: Inference, server_version: str, address: str = "") -> None:
        """Prepare the server at the address, or the settings'; nothing listens before start()."""
        super().__init__(
            settings,
            address=address or settings.grpc_address,
            workers=settings.serving_rpc_workers,
            max_message_mb=settings.serving_request_mb,
            open_methods=OPEN_METHODS,
            frequent_methods=FREQUENT_METHODS,
            queue_seconds=settings.serving_queue_seconds,
            private=True,
        )
        self._drain_seconds = settings.drain_seconds
        load_seconds = settings.serving_load_seconds
        self.servicer = OpenInferenceServicer(inference, server_version, load_seconds, settings.request_limits)
        self.add(
            add_GRPCInferenceServiceServicer_to_server,
            self.servicer,
            open_inference_pb2.DESCRIPTOR.services_by_name["GRPCInferenceService"],
        )
        self.add(
            add_ModelRepositoryServiceServicer_to_server,
            ModelRepositoryServicer(ModelRepository(inference.catalog, inference.book), load_seconds),
            model_repository_pb2.DESCRIPTOR.services_by_name["ModelRepositoryService"],
        )

    def stop(self, grace: float | None = None) -> None:
        """Refuse new calls, let those under way finish, and streams go on while they are used, for grace seconds.

        None is the settings' time.
        """
        if grace is None:
            grace = self._drain_seconds
        ending = Thread(target=self.servicer.end_streams, args=(grace - LAST_ANSWERS_SECONDS,))
        ending.start()
        super().stop(grace)
        ending.join()
