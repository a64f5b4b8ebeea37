"""References as the trainer writes them: proto JSON beside the model."""

from __future__ import annotations

import numpy as np
from google.protobuf import json_format

from fairlead.api.common.v1 import table_pb2
from fairlead.api.drift.v1 import reference_pb2
from fairlead.kit.errors import InvalidArgument

from ..domain.reference import CategoryReference, ColumnReference, Reference, number_reference

FALSE, TRUE = "false", "true"
_TRUTH_NAMES = {"0": FALSE, "0.0": FALSE, "false": FALSE, "1": TRUE, "1.0": TRUE, "true": TRUE}


def truth_text(value: str) -> str:
    """Return "true" or "false" for the usual spellings of a truth value, anything else as it is."""
    return _TRUTH_NAMES.get(value.lower(), value)


def parse_reference_json(text: str) -> reference_pb2.Reference:
    """Return the message; raises InvalidArgument for a text that is not one."""
    try:
        return json_format.Parse(text, reference_pb2.Reference(), ignore_unknown_fields=True)
    except json_format.ParseError as error:
        raise InvalidArgument(f"the drift reference can't be read: {error}") from error


def read_reference(message: reference_pb2.Reference) -> Reference:
    """Return the domain's reference; raises InvalidArgument naming the column that makes no sense."""
    try:
        return Reference(tuple(_column(column) for column in message.columns))
    except ValueError as error:
        raise InvalidArgument(f"the drift reference makes no sense: {error}") from error


def _column(column: reference_pb2.ReferenceColumn) -> ColumnReference:
    if column.kind == table_pb2.COLUMN_KIND_BOOLEAN:
        return _truths(column)
    if column.kind == table_pb2.COLUMN_KIND_TEXT:
        return CategoryReference(
            column.name,
            column.missing_count,
            tuple(column.categories),
            np.array(column.category_counts, dtype=np.int64),
            column.other_count,
            column.is_prediction,
        )
    return number_reference(
        column.name,
        missing=column.missing_count,
        edges=np.array(column.edges, dtype=np.float64),
        # A column that was missing throughout may come without its one, empty bin.
        bin_counts=np.array(column.bin_counts if column.bin_counts or column.edges else [0], dtype=np.int64),
        quantiles=np.array(column.quantiles, dtype=np.float64),
        minimum=column.min,
        maximum=column.max,
        mean=column.mean,
        stddev=column.stddev,
        is_prediction=column.is_prediction,
        is_instant=column.kind == table_pb2.COLUMN_KIND_DATETIME,
    )


def _truths(column: reference_pb2.ReferenceColumn) -> CategoryReference:
    """Return the reference of a truth value, which may come as categories or as numbers 0 and 1."""
    counts = {FALSE: 0, TRUE: 0}
    other = column.other_count
    if column.categories:
        for category, count in zip(column.categories, column.category_counts, strict=True):
            name = truth_text(category)
            if name in counts:
                counts[name] += count
            else:
                other += count
    else:
        total = sum(column.bin_counts)
        # The mean of zeros and ones is the share of ones.
        counts[TRUE] = round(column.mean * total)
        counts[FALSE] = total - counts[TRUE]
    return CategoryReference(
        column.name,
        column.missing_count,
        (FALSE, TRUE),
        np.array([counts[FALSE], counts[TRUE]], dtype=np.int64),
        other,
        column.is_prediction,
    )
