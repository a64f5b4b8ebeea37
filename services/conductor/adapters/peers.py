"""The services that do the work of the stages."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

from fairlead.api.profiler.v1.dataset_service_pb2_grpc import DatasetServiceStub
from fairlead.api.profiler.v1.profile_service_pb2_grpc import ProfileServiceStub
from fairlead.api.tasks.v1.task_service_pb2_grpc import TaskServiceStub
from fairlead.api.trainer.v1.preparation_service_pb2_grpc import PreparationServiceStub
from fairlead.api.trainer.v1.run_service_pb2_grpc import RunServiceStub
from fairlead.kit.rpc.channel import connect_to
from fairlead.kit.settings import KitSettings


@dataclass(frozen=True)
class Peers:
    """Stubs of the profiler and the trainer."""

    datasets: DatasetServiceStub
    profiles: ProfileServiceStub
    profiler_tasks: TaskServiceStub
    preparations: PreparationServiceStub
    runs: RunServiceStub
    trainer_tasks: TaskServiceStub

    @classmethod
    def at(cls, settings: KitSettings) -> Self:
        """Return stubs of the services that the settings name; nothing is called yet."""
        profiler = connect_to(settings, "profiler")
        trainer = connect_to(settings, "trainer")
        return cls(
            datasets=DatasetServiceStub(profiler),
            profiles=ProfileServiceStub(profiler),
            profiler_tasks=TaskServiceStub(profiler),
            preparations=PreparationServiceStub(trainer),
            runs=RunServiceStub(trainer),
            trainer_tasks=TaskServiceStub(trainer),
        )
