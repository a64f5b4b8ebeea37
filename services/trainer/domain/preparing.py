"""The preparation of a family, as the search wants it."""

from __future__ import annotations

from .families import Array
from .preparation import FittedPreparation, PreparationPipeline, StepSpec, flavour_of
from .search.folded import FitPreparation
from .table import TrainingTable


def flavour_name(family: str) -> str:
    """Families of the same flavour share prepared rows."""
    return flavour_of(family).name


def fit_preparation_of(steps: tuple[StepSpec, ...], seed: int) -> FitPreparation:
    """What fits these steps for a family on a table."""

    def fit(table: TrainingTable, family: str) -> tuple[FittedPreparation, Array]:
        pipeline = PreparationPipeline(steps, family, seed)
        features = pipeline.fit_transform(table)
        return pipeline.fitted, features

    return fit
