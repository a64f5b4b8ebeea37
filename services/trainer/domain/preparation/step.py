"""One planned step of a preparation."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class StepSpec:
    """What to do (`kind`) to which columns, with which parameters; `id` is stable within one list of steps."""

    id: str
    kind: str
    columns: tuple[str, ...] = ()
    params: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True)
class StepReport:
    """What one step did, as a sentence, and to how many rows."""

    step_id: str
    message: str
    rows_affected: int
