"""A fitted preparation as ONNX nodes."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from ..preparation.blocks import LARGEST, CategoryBlock, FittedPreparation, NumberBlock
from ..preparation.calendar import calendar_part
from .graph import ML, GraphWriter, Value


def write_preparation(writer: GraphWriter, preparation: FittedPreparation, inputs: Mapping[str, Value]) -> Value:
    """The features, double [n, k], of the input tensors [n, 1]."""
    features = [
        _write_numbers(writer, block, inputs)
        if block.kind == "numbers"
        else _write_category(writer, block, inputs[block.column])
        for block in preparation.blocks
    ]
    return writer.concat(features)


def _write_numbers(writer: GraphWriter, block: NumberBlock, inputs: Mapping[str, Value]) -> Value:
    raw = _raw_numbers(writer, block, inputs)
    known = writer.node("LessOrEqual", writer.node("Abs", raw), LARGEST)
    values = writer.node("Where", known, raw, block.fill.reshape(1, -1))
    if block.rescales:
        values = (values - writer.constant(block.shift.reshape(1, -1))) / writer.constant(block.scale.reshape(1, -1))
    if not block.flagged:
        return values
    flagged = writer.node("Gather", writer.node("Not", known), np.array(block.flagged, dtype=np.int64), axis=1)
    return writer.concat([values, writer.double(flagged)])


def _raw_numbers(writer: GraphWriter, block: NumberBlock, inputs: Mapping[str, Value]) -> Value:
    """Input columns, then calendar parts, which are computed for all datetime columns at once."""
    plain = [inputs[source.column] for source in block.sources if not source.part]
    dated = [source for source in block.sources if source.part]
    if not dated:
        return writer.concat(plain)
    columns = list(dict.fromkeys(source.column for source in dated))
    parts = list(dict.fromkeys(source.part for source in dated))
    moments = writer.concat([inputs[column] for column in columns])
    computed = [calendar_part(moments, part, lambda value: writer.node("Floor", value)) for part in parts]
    order = [parts.index(source.part) * len(columns) + columns.index(source.column) + len(plain) for source in dated]
    joined = writer.concat([*plain, *computed])
    if order == list(range(len(plain), len(plain) + len(parts) * len(columns))):
        return joined
    return writer.node("Gather", joined, np.array([*range(len(plain)), *order], dtype=np.int64), axis=1)


def _write_category(writer: GraphWriter, block: CategoryBlock, values: Value) -> Value:
    if block.numeric:
        return _write_numeric_category(writer, block, values)
    keys = [*block.keys, ""]
    rows = [*block.rows.tolist(), block.missing_row]
    row = writer.node(
        "LabelEncoder", values, domain=ML, keys_strings=keys, values_int64s=rows, default_int64=block.unseen_row
    )
    flat = writer.node("Squeeze", row, np.array([1], dtype=np.int64))
    return writer.node("Gather", writer.constant(block.table), flat, axis=0)


def _write_numeric_category(writer: GraphWriter, block: CategoryBlock, values: Value) -> Value:
    """[value == key, missing, unseen] as 0 and 1, times their rows of the table: exact, as one of them is 1."""
    known = writer.node("LessOrEqual", writer.node("Abs", values), LARGEST)
    missing = writer.double(writer.node("Not", known))
    flags = [missing]
    table = [block.table[block.missing_row]]
    hit = missing
    if block.keys:
        equal = writer.double(writer.node("Equal", values, np.array(block.keys, dtype=np.float64).reshape(1, -1)))
        flags.append(equal)
        table += list(block.table[block.rows])
        hit = writer.node("ReduceSum", writer.concat(flags), np.array([1], dtype=np.int64), keepdims=1)
    flags.append(writer.node("Sub", 1.0, hit))
    table.append(block.table[block.unseen_row])
    return writer.node("MatMul", writer.concat(flags), np.array(table))
