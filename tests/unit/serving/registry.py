"""Stand-ins for what serving calls: a trainer that knows given versions, a profiler that knows given data."""

from __future__ import annotations

from typing import Any

from fairlead.api.profiler.v1 import dataset_pb2, dataset_service_pb2, dataset_service_pb2_grpc
from fairlead.api.trainer.v1 import model_pb2, model_service_pb2, model_service_pb2_grpc
from fairlead.kit.errors import NotFound
from fairlead.kit.rpc.server import RpcServer
from fairlead.kit.settings import KitSettings


class KnownVersions(model_service_pb2_grpc.ModelServiceServicer):
    """Answers GetModelVersion from a dict; an alias is an entry that names another version."""

    def __init__(self) -> None:
        self.versions: dict[str, model_pb2.ModelVersion] = {}

    def add(self, name: str, package_blob: str, *aliases: str) -> None:
        version = model_pb2.ModelVersion(name=name, package_blob=package_blob)
        for key in (name, *aliases):
            self.versions[key] = version

    def GetModelVersion(
        self, request: model_service_pb2.GetModelVersionRequest, context: Any
    ) -> model_service_pb2.GetModelVersionResponse:
        if request.name not in self.versions:
            raise NotFound(f"there is no model version '{request.name}'", resource=request.name)
        return model_service_pb2.GetModelVersionResponse(model_version=self.versions[request.name])


class KnownDatasets(dataset_service_pb2_grpc.DatasetServiceServicer):
    """Answers GetDatasetVersion from a dict."""

    def __init__(self) -> None:
        self.versions: dict[str, dataset_pb2.DatasetVersion] = {}

    def GetDatasetVersion(
        self, request: dataset_service_pb2.GetDatasetVersionRequest, context: Any
    ) -> dataset_service_pb2.GetDatasetVersionResponse:
        if request.name not in self.versions:
            raise NotFound(f"there is no dataset version '{request.name}'", resource=request.name)
        return dataset_service_pb2.GetDatasetVersionResponse(dataset_version=self.versions[request.name])


def serve_collaborators(settings: KitSettings, models: KnownVersions, datasets: KnownDatasets) -> RpcServer:
    """A started server for both, at a free port."""
    server = RpcServer(settings, address="127.0.0.1:0")
    server.add(
        model_service_pb2_grpc.add_ModelServiceServicer_to_server,
        models,
        model_service_pb2.DESCRIPTOR.services_by_name["ModelService"],
    )
    server.add(
        dataset_service_pb2_grpc.add_DatasetServiceServicer_to_server,
        datasets,
        dataset_service_pb2.DESCRIPTOR.services_by_name["DatasetService"],
    )
    server.start()
    return server
