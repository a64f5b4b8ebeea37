"""What the work of the trainer's tasks stands on."""

from __future__ import annotations

from dataclasses import dataclass

from fairlead.api.trainer.v1.preparation_pb2 import Preparation
from fairlead.kit.blobs import BlobStore

from ..adapters.datasets import DatasetReader
from ..adapters.preparations import PreparationTable
from ..adapters.registry import ModelTable
from ..adapters.runs import RunTable
from ..adapters.tracking import Tracking
from ..convert import task_type_name
from ..domain.preparation import drop_duplicate_rows
from ..domain.table import TrainingTable, build_table
from ..settings import TrainerSettings

DROP_DUPLICATES = "drop_duplicates"


@dataclass(frozen=True)
class Resources:
    """The adapters of one child process."""

    settings: TrainerSettings
    datasets: DatasetReader
    blobs: BlobStore
    preparations: PreparationTable
    runs: RunTable
    models: ModelTable
    tracking: Tracking


def load_table(resources: Resources, preparation: Preparation) -> TrainingTable:
    """The rows that a preparation leaves to train on, always the same for the same preparation."""
    version = resources.datasets.version(preparation.dataset_version)
    arrow = resources.datasets.read(version, resources.settings.trainer_max_rows)
    target = preparation.target
    table = build_table(arrow, target.column, target.condition, task_type_name(preparation.task_type))
    drops = any(step.kind == DROP_DUPLICATES for step in preparation.steps)
    return drop_duplicate_rows(table)[0] if drops else table
