"""Preparation: a plan of steps, fitted once, that makes features of input columns in training and serving alike."""

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
