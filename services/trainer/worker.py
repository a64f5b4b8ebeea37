"""The child process of the trainer's tasks: adapters and handlers."""

from __future__ import annotations

import os

from google.protobuf.message import Message

from fairlead.kit import backends
from fairlead.kit.rpc.channel import connect_to
from fairlead.kit.tasks import Handler, TaskContext, run_worker

from .adapters.datasets import DatasetReader
from .adapters.mlflow_aliases import MlflowAliases
from .adapters.mlflow_artifacts import artifact_environment
from .adapters.preparations import PreparationTable
from .adapters.registry import ModelTable
from .adapters.runs import RunTable
from .adapters.schema import MIGRATIONS
from .adapters.tracking import Tracking
from .settings import TrainerSettings
from .tasks.resources import Resources


def open_resources(settings: TrainerSettings) -> Resources:
    """The adapters that tasks work with; nothing is connected or imported before it is needed."""
    for name, value in artifact_environment(settings).items():
        os.environ.setdefault(name, value)
    engine = backends.database(settings)
    blobs = backends.blob_store(settings)
    channel = connect_to(settings, "profiler")
    return Resources(
        settings=settings,
        datasets=DatasetReader(channel, blobs),
        blobs=blobs,
        preparations=PreparationTable(engine),
        runs=RunTable(engine),
        models=ModelTable(engine, MlflowAliases(settings.trainer_mlflow_url)),
        tracking=Tracking(settings.trainer_mlflow_url, settings.trainer_mlflow_artifacts),
    )


def main() -> None:
    """Do the work of the task named on the command line."""
    # Threads of LightGBM and scikit-learn that wait for each other shall sleep: spinning starves the services that
    # share the machine. OpenMP reads it when the first of the libraries is loaded.
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    settings = TrainerSettings()
    resources: list[Resources] = []

    def opened() -> Resources:
        if not resources:
            resources.append(open_resources(settings))
        return resources[0]

    def prepare(context: TaskContext) -> Message:
        from .tasks.prepare import prepare as work

        return work(context, opened())

    def train(context: TaskContext) -> Message:
        from .tasks.train import train as work

        return work(context, opened())

    def export(context: TaskContext) -> Message:
        from .tasks.export import export as work

        return work(context, opened())

    handlers: dict[str, Handler] = {"prepare": prepare, "train": train, "export": export}
    run_worker(settings, handlers, migrations=[MIGRATIONS])


if __name__ == "__main__":
    main()
