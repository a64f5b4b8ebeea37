"""How a model reads its inputs, as far as the gateway needs to know."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum


class Kind(Enum):
    """How a model reads a column."""

    NUMBER = "number"
    TEXT = "text"
    DATETIME = "datetime"
    BOOLEAN = "boolean"


@dataclass(frozen=True)
class ModelInputs:
    """The columns that a deployment's versions read: those of one split read the same."""

    model_versions: frozenset[str]
    kinds: Mapping[str, Kind]
