"""Refusing steps that can't be done, before any work."""

from __future__ import annotations

from collections.abc import Sequence

from fairlead.kit.errors import InvalidArgument

from ..table import TrainingTable
from .calendar import DEFAULT_PARTS, PARTS
from .params import step_error
from .step import StepSpec
from .steps import STEP_KINDS, StepKind, find_step_kind
from .steps.kind import CATEGORIES


def check_steps(steps: Sequence[StepSpec], table: TrainingTable) -> None:
    """Raise InvalidArgument naming the step, the column and what to do, when a step can't be applied to the table."""
    kinds: dict[str, str] = {column.name: column.kind for column in table.inputs}
    dropped: dict[str, str] = {}
    seen: set[str] = set()
    for step in steps:
        if step.id in seen:
            raise step_error(step, "another step has the same id; give each its own.")
        seen.add(step.id)
        kind = find_step_kind(step.kind)
        if kind is None:
            raise step_error(step, f"is no kind of step; use one of {', '.join(k.kind for k in STEP_KINDS)}.")
        if kind.accepts and not step.columns:
            raise step_error(step, "names no columns; name those it shall work on.")
        kind.check(step)
        for column in step.columns:
            _check_column(step, kind, column, kinds, dropped, table.target_column)
        if step.kind == "drop_columns":
            dropped.update(dict.fromkeys(step.columns, step.id))
        if step.kind == "datetime_parts":
            parts = step.params.get("parts") or DEFAULT_PARTS
            kinds.update({f"{column}.{part}": "part" for column in step.columns for part in PARTS if part in parts})  # type: ignore[operator]  # a checked list
    if table.inputs and all(column.name in dropped for column in table.inputs):
        raise InvalidArgument("The steps drop every column, so nothing is left to predict from; keep at least one.")


def _check_column(
    step: StepSpec, kind: StepKind, column: str, kinds: dict[str, str], dropped: dict[str, str], target: str
) -> None:
    if column == target:
        raise step_error(step, f"'{column}' is the target, which no step may touch; remove it from the step.")
    if column not in kinds:
        names = ", ".join(f"'{name}'" for name in list(kinds)[:20])
        raise step_error(step, f"the dataset has no column '{column}'; its columns are {names}.")
    if column in dropped and step.kind != "drop_columns":
        raise step_error(step, f"'{column}' was dropped by step '{dropped[column]}'; remove it here or there.")
    if kind.accepts and kinds[column] not in kind.accepts:
        hint = ""
        if kinds[column] == "datetime" and kind.accepts == CATEGORIES:
            hint = " Take its parts with datetime_parts."
        allowed = ", ".join(sorted(kind.accepts - {"part"}))
        raise step_error(step, f"'{column}' is a {kinds[column]} column, and this works on {allowed}.{hint}")
