"""The columns of a file, held against those that a model reads."""

from __future__ import annotations

from collections.abc import Sequence

import pyarrow as pa

from fairlead.kit.errors import FieldViolation, InvalidArgument

from ...domain.models.schema import Kind, Schema

_SHOWN = 20


def require_inputs(model: Schema, names: Sequence[str]) -> None:
    """Raise InvalidArgument naming each column that the model reads and the file lacks."""
    absent = [column.name for column in model.inputs if column.name not in names]
    if not absent:
        return
    shown = ", ".join(repr(name) for name in names[:_SHOWN]) + (", ..." if len(names) > _SHOWN else "")
    raise InvalidArgument(
        f"the model reads column {', '.join(repr(name) for name in absent)}, which the file has not; its columns are "
        f"{shown}. Where a value is not known, leave the cell empty",
        violations=[
            FieldViolation(name, "the model reads this column; the file has none of the name") for name in absent
        ],
    )


def text_schema(model: Schema, names: Sequence[str]) -> pa.Schema:
    """Return the types that columns of texts are kept in: numbers where the model reads numbers, else text."""
    numbers = {column.name for column in model.inputs if column.kind is Kind.NUMBER}
    return pa.schema([(name, pa.float64() if name in numbers else pa.string()) for name in names])
