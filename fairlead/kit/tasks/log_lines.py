"""Structured log lines of tasks: made from what the work says, and as text for people."""

from __future__ import annotations

import math
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from fairlead.api.tasks.v1.task_pb2 import LogLine
from fairlead.kit.errors import InvalidArgument

LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR")


def make_line(
    task: str, time: datetime, level: str, source: str, message: str, meta: Mapping[str, object] | None = None
) -> LogLine:
    """Return the line, its time cut to milliseconds. Raises InvalidArgument for a level that is not in LEVELS."""
    if level not in LEVELS:
        raise InvalidArgument(f"log level '{level}' is not one of {', '.join(LEVELS)}")
    line = LogLine(task=task, level=level, source=source, message=message)
    line.time.FromDatetime(time.replace(microsecond=time.microsecond // 1000 * 1000))
    if meta:
        line.meta.update({key: _plain(value) for key, value in meta.items()})
    return line


def format_line(line: LogLine) -> str:
    """Return the line as text, such as `INFO 2026-01-31T17:01:03Z | prepare.impute | Replaced 12 nulls in 'age'`."""
    time = line.time.ToDatetime(tzinfo=UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    return f"{line.level} {time} | {line.source} | {line.message}"


def _plain(value: object) -> Any:
    """What a google.protobuf.Struct can hold; numbers that JSON has no word for become texts."""
    if value is None or isinstance(value, bool | str):
        return value
    if isinstance(value, int | float):
        return float(value) if math.isfinite(value) else str(float(value))
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [_plain(item) for item in value]
    # NumPy's scalars and arrays turn into Python's own without the kit knowing NumPy.
    to_python = getattr(value, "tolist", None)
    return _plain(to_python()) if callable(to_python) else str(value)
