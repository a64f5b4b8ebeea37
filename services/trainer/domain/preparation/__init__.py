"""Preparation: a plan of steps, fitted once, that turns input columns into features in training and in serving alike."""

from __future__ import annotations

from .blocks import FittedPreparation
from .check import check_steps
from .duplicates import drop_duplicate_rows
from .flavour import Flavour, flavour_of
from .pipeline import PreparationPipeline
from .step import StepReport, StepSpec

__all__ = [
    "FittedPreparation",
    "Flavour",
    "PreparationPipeline",
    "StepReport",
    "StepSpec",
    "check_steps",
    "drop_duplicate_rows",
    "flavour_of",
]
