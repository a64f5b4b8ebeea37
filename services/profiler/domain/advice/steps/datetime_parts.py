"""Dates and times as numbers that models can use."""

from __future__ import annotations

from datetime import datetime

from ...profiling.model import Semantic
from ..model import Situation, Step
from ..preview import step_id, text_table

_DATE_PARTS = ("year", "month", "day", "weekday")
_DAY = 86_400


def suggest(situation: Situation) -> list[Step]:
    """Return one step for all dates; the hour is taken where any column has a time of day."""
    dates = [column for column in situation.features if column.semantic is Semantic.DATETIME]
    if not dates:
        return []
    timed = any(level.value[11:] not in {"", "00:00:00"} for column in dates for level in column.levels)
    parts = (*_DATE_PARTS, "hour") if timed else _DATE_PARTS
    first = dates[0]
    numbers = first.numbers
    days = (numbers.max - numbers.min) / _DAY if numbers else 0.0
    rows = [
        (value.removesuffix(" 00:00:00"), *_parts(value, parts))
        for value in situation.table.head.get(first.name, ())
        if value
    ]
    return [
        Step(
            step_id("parts-of", dates, "dates"), "datetime_parts", tuple(c.name for c in dates), 0.85,
            f"Dates in {situation.named(dates)}: '{first.name}' spans {days:,.0f} days; models need "
            f"{', '.join(parts)} as numbers.",
            text_table((first.name, *parts), rows), {"parts": list(parts)},
        )
    ]  # fmt: skip


def _parts(value: str, parts: tuple[str, ...]) -> tuple[str, ...]:
    moment = datetime.fromisoformat(value)
    known = {
        "year": moment.year, "month": moment.month, "day": moment.day, "weekday": moment.weekday(), "hour": moment.hour,
    }  # fmt: skip
    return tuple(str(known[part]) for part in parts)
