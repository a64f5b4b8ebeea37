"""The kinds of preparation steps: one file each, listed in STEP_KINDS."""

from __future__ import annotations

from .datetime_parts import DatetimeParts
from .drop_columns import DropColumns
from .drop_duplicates import DropDuplicates
from .group_rare import GroupRare
from .impute import Impute
from .kind import StepKind
from .one_hot import OneHot
from .ordinal import Ordinal
from .scale import Scale
from .target_encode import TargetEncode

STEP_KINDS: tuple[StepKind, ...] = (
    DropColumns(),
    DropDuplicates(),
    DatetimeParts(),
    Impute(),
    GroupRare(),
    OneHot(),
    Ordinal(),
    TargetEncode(),
    Scale(),
)

__all__ = ["STEP_KINDS", "StepKind", "find_step_kind"]


def find_step_kind(kind: str) -> StepKind | None:
    """The kind of step with that name, if there is one."""
    return next((known for known in STEP_KINDS if known.kind == kind), None)
