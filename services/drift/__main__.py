"""The drift service: settings, adapters, the consumer and the server."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from fairlead.api.drift.v1 import experiment_service_pb2, monitor_service_pb2
from fairlead.api.drift.v1.experiment_service_pb2_grpc import add_ExperimentServiceServicer_to_server
from fairlead.api.drift.v1.monitor_service_pb2_grpc import add_MonitorServiceServicer_to_server
from fairlead.kit import backends
from fairlead.kit.database import migrate
from fairlead.kit.rpc.channel import connect_to
from fairlead.kit.rpc.probes import open_probes
from fairlead.kit.rpc.server import RpcServer
from fairlead.kit.service_process import service_process

from .adapters.metrics import Metrics
from .adapters.newest_reports import restore
from .adapters.references import BlobReferences
from .adapters.serving_client import ServingClient
from .adapters.version_store import VersionStore
from .consumer import Consumer
from .deployments import Deployments
from .experiment_servicer import ExperimentServicer
from .intake import Intake
from .servicer import MonitorServicer
from .settings import DriftSettings

MIGRATIONS = Path(__file__).parent / "adapters" / "migrations"


def now() -> datetime:
    """Return the time."""
    return datetime.now(UTC)


def main() -> None:
    """Serve until SIGTERM."""
    settings = DriftSettings()
    with service_process(settings):
        _serve(settings)


def _serve(settings: DriftSettings) -> None:
    probes = open_probes(settings)
    engine = backends.database(settings)
    migrate(engine, MIGRATIONS)
    events = backends.event_log(settings)
    blobs = backends.blob_store(settings)
    channel = connect_to(settings, "serving")
    versions, metrics = VersionStore(), Metrics()
    restore(engine, versions, metrics)
    deployments = Deployments(versions, BlobReferences(blobs), settings.policy, now=now, reset=metrics.forget)
    intake = Intake(engine, events, deployments, versions, ServingClient(channel), metrics, settings, now=now)
    consumer = Consumer(events, intake, metrics)
    server = RpcServer(settings, probes=probes)
    service = monitor_service_pb2.DESCRIPTOR.services_by_name["MonitorService"]
    server.add(add_MonitorServiceServicer_to_server, MonitorServicer(engine), service)
    experiments = experiment_service_pb2.DESCRIPTOR.services_by_name["ExperimentService"]
    server.add(add_ExperimentServiceServicer_to_server, ExperimentServicer(engine), experiments)
    for action in (consumer.close, events.close, channel.close, engine.dispose):
        server.on_stop(action)
    server.start()
    consumer.start()
    server.wait()


if __name__ == "__main__":
    main()
