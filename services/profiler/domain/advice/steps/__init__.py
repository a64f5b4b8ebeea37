"""The kinds of steps that are suggested, in the order in which they run."""

from __future__ import annotations

from collections.abc import Callable

from ..model import Situation, Step
from . import datetime_parts, drop_duplicates, group_rare, impute, one_hot, ordinal, scale, target_encode

# Dropping columns goes before all of these, since they look at what it leaves.
SUGGESTIONS: tuple[Callable[[Situation], list[Step]], ...] = (
    drop_duplicates.suggest,
    datetime_parts.suggest,
    impute.suggest,
    group_rare.suggest,
    ordinal.suggest,
    one_hot.suggest,
    target_encode.suggest,
    scale.suggest,
)
