"""Composition root of the profiler: settings, adapters, servicers, run."""

from __future__ import annotations

from fairlead.api.profiler.v1 import (
    dataset_service_pb2,
    dataset_service_pb2_grpc,
    profile_service_pb2,
    profile_service_pb2_grpc,
)
from fairlead.api.tasks.v1 import task_service_pb2, task_service_pb2_grpc
from fairlead.kit import backends
from fairlead.kit.database import migrate
from fairlead.kit.rpc.probes import open_probes
from fairlead.kit.rpc.server import RpcServer
from fairlead.kit.service_process import service_process
from fairlead.kit.tasks import MIGRATIONS as TASK_MIGRATIONS
from fairlead.kit.tasks import TaskOwner, TaskServicer, TaskStore, runner_for

from .adapters.catalog import MIGRATIONS, Catalog
from .servicer import DatasetServicer, ProfileServicer
from .settings import ProfilerSettings


def main() -> None:
    """Serve until SIGTERM."""
    settings = ProfilerSettings()
    with service_process(settings):
        _serve(settings)


def _serve(settings: ProfilerSettings) -> None:
    probes = open_probes(settings)
    engine = backends.database(settings)
    migrate(engine, TASK_MIGRATIONS, MIGRATIONS)
    events = backends.event_log(settings)
    blobs = backends.blob_store(settings)
    catalog = Catalog(engine)
    store = TaskStore(engine, events, settings.service)
    owner = TaskOwner(store, runner_for(settings, f"{__package__}.worker"), concurrency=settings.profiler_concurrency)
    server = RpcServer(settings, probes=probes)
    server.add(
        dataset_service_pb2_grpc.add_DatasetServiceServicer_to_server,
        DatasetServicer(catalog, blobs, store, owner),
        dataset_service_pb2.DESCRIPTOR.services_by_name["DatasetService"],
    )
    server.add(
        profile_service_pb2_grpc.add_ProfileServiceServicer_to_server,
        ProfileServicer(catalog, store, owner),
        profile_service_pb2.DESCRIPTOR.services_by_name["ProfileService"],
    )
    server.add(
        task_service_pb2_grpc.add_TaskServiceServicer_to_server,
        TaskServicer(store, owner),
        task_service_pb2.DESCRIPTOR.services_by_name["TaskService"],
    )
    server.on_stop(owner.close)
    server.on_stop(events.close)
    # Before the first call: a caller that repeats one after a restart must find its task taken up.
    owner.recover()
    server.start()
    server.wait()


if __name__ == "__main__":
    main()
