"""What is suggested: steps of preparation and families of models."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from ..profiling.model import ColumnProfile, TableProfile


@dataclass(frozen=True)
class Step:
    """One suggested step of preparation."""

    id: str
    kind: str
    columns: tuple[str, ...]
    confidence: float
    # Why, in one sentence with figures.
    rationale: str
    # Before and after, in plain text.
    preview: str
    params: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True)
class ModelChoice:
    """One suggested family of models."""

    family: str
    confidence: float
    rationale: str
    preview: str
    params: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True)
class Situation:
    """What a suggestion looks at: the table, and the features that earlier steps leave."""

    table: TableProfile
    features: tuple[ColumnProfile, ...]

    def named(self, columns: Sequence[ColumnProfile]) -> str:
        """Return a few of the columns' names for a sentence."""
        shown = ", ".join(f"'{column.name}'" for column in columns[:4])
        return shown if len(columns) <= 4 else f"{shown} and {len(columns) - 4} more"
