"""A service that is away is waited for; anything else that is wrong with a call is told at once."""

from __future__ import annotations

from pathlib import Path

import pytest

from fairlead.api.profiler.v1 import dataset_pb2, dataset_service_pb2
from fairlead.api.profiler.v1.dataset_service_pb2 import GetDatasetVersionRequest
from fairlead.api.profiler.v1.dataset_service_pb2_grpc import DatasetServiceStub, add_DatasetServiceServicer_to_server
from fairlead.kit.errors import NotFound
from fairlead.kit.rpc.channel import connect
from fairlead.kit.rpc.server import RpcServer
from fairlead.kit.settings import KitSettings
from services.serving.adapters.batch_prediction.patience import patiently
from tests.ports import free_port
from tests.unit.serving.registry import KnownDatasets

NAME = "projects/p/datasets/d/versions/1"
SERVICE = dataset_service_pb2.DESCRIPTOR.services_by_name["DatasetService"]


def test_a_service_that_comes_later_is_asked_again_after_ever_longer_waits(tmp_path: Path) -> None:
    settings = KitSettings(home=tmp_path, service_token="token")  # type: ignore[arg-type]
    address, datasets = f"127.0.0.1:{free_port()}", KnownDatasets()
    datasets.versions[NAME] = dataset_pb2.DatasetVersion(name=NAME, parquet_blob="sha256/ab/ab")
    server = RpcServer(settings, address=address)
    server.add(add_DatasetServiceServicer_to_server, datasets, SERVICE)
    waits: list[float] = []

    def tell(error: str, seconds: float) -> None:
        assert error
        waits.append(seconds)
        if len(waits) == 3:
            server.start()

    with connect(address, token="token") as channel:
        stub = DatasetServiceStub(channel)
        version = patiently(lambda: stub.GetDatasetVersion(GetDatasetVersionRequest(name=NAME)), tell, 0.05)
        assert version.dataset_version.parquet_blob == "sha256/ab/ab"
        assert waits[:3] == [0.05, 0.1, 0.2]

        waits.clear()
        with pytest.raises(NotFound):
            patiently(lambda: stub.GetDatasetVersion(GetDatasetVersionRequest(name=NAME + "0")), tell, 0.05)
        assert waits == []
    server.stop(0)
