"""The trainer service: settings, adapters, servicers, run."""

from __future__ import annotations

from fairlead.api.tasks.v1 import task_service_pb2
from fairlead.api.tasks.v1.task_service_pb2_grpc import add_TaskServiceServicer_to_server
from fairlead.api.trainer.v1 import model_service_pb2, preparation_service_pb2, run_service_pb2
from fairlead.api.trainer.v1.model_service_pb2_grpc import add_ModelServiceServicer_to_server
from fairlead.api.trainer.v1.preparation_service_pb2_grpc import add_PreparationServiceServicer_to_server
from fairlead.api.trainer.v1.run_service_pb2_grpc import add_RunServiceServicer_to_server
from fairlead.kit import backends
from fairlead.kit.database import migrate
from fairlead.kit.rpc.channel import connect_to
from fairlead.kit.rpc.probes import Probes, open_probes
from fairlead.kit.rpc.server import RpcServer
from fairlead.kit.service_process import service_process
from fairlead.kit.tasks import MIGRATIONS as TASK_MIGRATIONS
from fairlead.kit.tasks import TaskOwner, TaskServicer, TaskStore, runner_for

from .adapters.datasets import DatasetReader
from .adapters.housekeeper import Housekeeper
from .adapters.mlflow_aliases import MlflowAliases
from .adapters.preparations import PreparationTable
from .adapters.registry import ModelTable
from .adapters.runs import RunTable
from .adapters.schema import MIGRATIONS
from .servicer_models import ModelServicer
from .servicer_preparations import PreparationServicer
from .servicer_runs import RunServicer
from .settings import TrainerSettings


def build(settings: TrainerSettings, probes: Probes | None = None) -> RpcServer:
    """The service, wired and with unfinished tasks taken up again, ready to start."""
    engine = backends.database(settings)
    migrate(engine, TASK_MIGRATIONS, MIGRATIONS)
    events = backends.event_log(settings)
    store = TaskStore(engine, events, settings.service)
    blobs = backends.blob_store(settings)
    runner = runner_for(settings, f"{__package__}.worker")
    owner = TaskOwner(store, runner, concurrency=settings.trainer_concurrency, checkpoints=blobs)
    channel = connect_to(settings, "profiler")
    datasets = DatasetReader(channel, blobs)
    preparations, runs = PreparationTable(engine), RunTable(engine)
    housekeeper = Housekeeper(f"{__package__}.housekeeping", runs, store)

    server = RpcServer(settings, probes=probes)
    server.add(
        add_PreparationServiceServicer_to_server,
        PreparationServicer(store, owner, preparations, datasets),
        preparation_service_pb2.DESCRIPTOR.services_by_name["PreparationService"],
    )
    server.add(
        add_RunServiceServicer_to_server,
        RunServicer(store, owner, preparations, runs, housekeeper),
        run_service_pb2.DESCRIPTOR.services_by_name["RunService"],
    )
    server.add(
        add_ModelServiceServicer_to_server,
        ModelServicer(ModelTable(engine, MlflowAliases(settings.trainer_mlflow_url))),
        model_service_pb2.DESCRIPTOR.services_by_name["ModelService"],
    )
    server.add(
        add_TaskServiceServicer_to_server,
        TaskServicer(store, owner),
        task_service_pb2.DESCRIPTOR.services_by_name["TaskService"],
    )
    housekeeper.settle()
    housekeeper.watch()
    owner.recover()
    for action in (owner.close, housekeeper.close, channel.close, events.close, engine.dispose):
        server.on_stop(action)
    return server


def main() -> None:
    """Serve until told to stop."""
    settings = TrainerSettings()
    with service_process(settings):
        server = build(settings, open_probes(settings))
        server.start()
        server.wait()


if __name__ == "__main__":
    main()
