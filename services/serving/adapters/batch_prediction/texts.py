"""Arrow columns as CSV or JSON Lines, without a Python object a cell."""

from __future__ import annotations

import json
from collections.abc import Sequence

import pyarrow as pa
import pyarrow.compute as pc

from .lines import holds_any
from .model_columns import texts_of

_MISSING = {"null_handling": "replace", "null_replacement": ""}
_NEEDS_QUOTES = '[",\\r\\n]'
_QUOTED = (b'"', b",", b"\r", b"\n")
_ESCAPED = (b'"', b"\\", *(bytes([code]) for code in range(0x20)))
_SHORT = 8
"""An object with a member is hardly shorter: only such lines are looked at for having none."""


def csv_header(names: Sequence[str]) -> bytes:
    """Return the header line."""
    return (",".join(_csv_texts(pa.array(names, pa.string())).to_pylist()) + "\n").encode()


def csv_rows_after(lines: pa.Array, columns: Sequence[pa.Array]) -> bytes:
    """Return CSV records as they stood with columns added at their ends."""
    *texts, last = (_csv_column(column) for column in columns)
    return _bytes_of(pc.binary_join_element_wise(lines, *texts, _ended(last), ",", **_MISSING))


def csv_rows(columns: Sequence[pa.Array]) -> bytes:
    """Return equally long columns as CSV records, values quoted only where they must be; missing ones are empty."""
    *texts, last = (_csv_column(column) for column in columns)
    return _bytes_of(pc.binary_join_element_wise(*texts, _ended(last), ",", **_MISSING))


def json_members(names: Sequence[str], columns: Sequence[pa.Array]) -> pa.Array:
    """Return the members of each row's JSON object, without braces; missing values are null."""
    pieces: list[pa.Array | pa.Scalar] = []
    for place, (name, column) in enumerate(zip(names, columns, strict=True)):
        comma = ", " if place else ""
        pieces += [pa.scalar(f"{comma}{json.dumps(name, ensure_ascii=False)}: "), _json_column(column)]
    return pc.binary_join_element_wise(*pieces, "", null_handling="replace", null_replacement="null")


def json_rows(members: pa.Array) -> bytes:
    """Return rows of members as JSON Lines."""
    return _bytes_of(pc.binary_join_element_wise(pa.scalar("{"), members, pa.scalar("}\n"), ""))


def json_rows_after(lines: pa.Array, members: pa.Array) -> bytes:
    """Return JSON objects as they stood, with nothing around them, with members added at their ends."""
    opened = pc.binary_slice(lines.view(pa.binary()), 0, -1).view(pa.string())
    comma: pa.Array | pa.Scalar = pa.scalar(", ")
    if len(lines) and pc.min(pc.binary_length(lines)).as_py() < _SHORT:
        comma = pc.if_else(pc.match_substring_regex(lines, r"^\{\s*\}$"), pa.scalar(""), comma)
    return _bytes_of(pc.binary_join_element_wise(opened, comma, members, pa.scalar("}\n"), ""))


def _ended(texts: pa.Array) -> pa.Array:
    """Return the texts, "" for missing ones, each with a line break: cheaper here than on rows put together."""
    return pc.binary_join_element_wise(texts, pa.scalar("\n"), "", **_MISSING)


def _bytes_of(rows: pa.Array) -> bytes:
    """Return the texts of rows one after the other."""
    return rows.buffers()[2].to_pybytes() if len(rows) else b""


def _csv_column(column: pa.Array) -> pa.Array:
    if pa.types.is_dictionary(column.type):
        return _csv_texts(texts_of(column.dictionary)).take(column.indices)
    if pa.types.is_floating(column.type):
        return _finite(column).cast(pa.string())
    texts = texts_of(column)
    return texts if _is_plain(column.type) else _csv_texts(texts)


def _csv_texts(texts: pa.Array) -> pa.Array:
    if not holds_any(texts, _QUOTED):
        return texts
    marked = pc.match_substring_regex(texts, _NEEDS_QUOTES)
    doubled = pc.replace_substring(texts, '"', '""')
    return pc.if_else(marked, pc.binary_join_element_wise(pa.scalar('"'), doubled, pa.scalar('"'), ""), texts)


def _json_column(column: pa.Array) -> pa.Array:
    if pa.types.is_dictionary(column.type):
        return _json_texts(texts_of(column.dictionary)).take(column.indices)
    if pa.types.is_floating(column.type):
        return _finite(column).cast(pa.string())
    texts = texts_of(column)
    plain = _is_plain(column.type) or pa.types.is_nested(column.type)
    return texts if plain else _json_texts(texts)


def _json_texts(texts: pa.Array) -> pa.Array:
    if holds_any(texts, _ESCAPED):
        spelled = [None if text is None else json.dumps(text, ensure_ascii=False) for text in texts.to_pylist()]
        return pa.array(spelled, pa.string())
    return pc.binary_join_element_wise(pa.scalar('"'), texts, pa.scalar('"'), "")


def _finite(column: pa.Array) -> pa.Array:
    return pc.if_else(pc.is_finite(column), column, pa.scalar(None, column.type))


def _is_plain(type_: pa.DataType) -> bool:
    """Return whether values need neither quotes nor escapes."""
    return bool(
        pa.types.is_integer(type_)
        or pa.types.is_decimal(type_)
        or pa.types.is_boolean(type_)
        or pa.types.is_null(type_)
    )
