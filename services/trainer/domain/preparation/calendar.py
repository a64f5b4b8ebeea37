"""Parts of a moment by arithmetic alone, so that NumPy and an ONNX graph compute them by the same formulas.

The civil calendar from a day count is Howard Hinnant's `civil_from_days`
(https://howardhinnant.github.io/date_algorithms.html): years there begin on 1 March.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any


class Moment:
    """Seconds since 1970-01-01 UTC, taken apart on demand: `moment["year"]`, each formula computed once.

    Values are anything with + - * / and the given `floor`; NaN stays NaN.
    """

    def __init__(self, seconds: Any, floor: Callable[[Any], Any]) -> None:
        self.floor = floor
        self._computed = {"seconds": seconds}

    def __getitem__(self, name: str) -> Any:
        if name not in self._computed:
            self._computed[name] = _FORMULAS[name](self)
        return self._computed[name]

    def whole(self, value: Any, divisor: float) -> Any:
        """value / divisor, rounded down."""
        return self.floor(value / divisor)


def _day_from_march(m: Moment) -> Any:
    year = m["year_of_era"]
    return m["day_of_era"] - (year * 365.0 + m.whole(year, 4.0) - m.whole(year, 100.0))


def _year_of_era(m: Moment) -> Any:
    day = m["day_of_era"]
    return m.whole(day - m.whole(day, 1460.0) + m.whole(day, 36524.0) - m.whole(day, 146096.0), 365.0)


def _day_of_year(m: Moment) -> Any:
    before = m["year"] - 1.0
    leap_days = m.whole(before, 4.0) - m.whole(before, 100.0) + m.whole(before, 400.0)
    return m["elapsed_days"] - (before * 365.0 + leap_days - 719162.0) + 1.0


_FORMULAS: dict[str, Callable[[Moment], Any]] = {
    "elapsed_days": lambda m: m.whole(m["seconds"], 86400.0),
    "second_of_day": lambda m: m["seconds"] - m["elapsed_days"] * 86400.0,
    "hour": lambda m: m.whole(m["second_of_day"], 3600.0),
    "minute": lambda m: m.whole(m["second_of_day"] - m["hour"] * 3600.0, 60.0),
    "second": lambda m: m.floor(m["second_of_day"] - m["hour"] * 3600.0 - m["minute"] * 60.0),
    "day_after_sunday": lambda m: m["elapsed_days"] + 3.0,
    "weekday": lambda m: m["day_after_sunday"] - m.whole(m["day_after_sunday"], 7.0) * 7.0,
    "is_weekend": lambda m: m.whole(m["weekday"], 5.0),
    "era": lambda m: m.whole(m["elapsed_days"] + 719468.0, 146097.0),
    "day_of_era": lambda m: m["elapsed_days"] + 719468.0 - m["era"] * 146097.0,
    "year_of_era": _year_of_era,
    "day_from_march": _day_from_march,
    "month_from_march": lambda m: m.whole(m["day_from_march"] * 5.0 + 2.0, 153.0),
    "after_december": lambda m: m.whole(m["month_from_march"] + 2.0, 12.0),
    "year": lambda m: m["year_of_era"] + m["era"] * 400.0 + m["after_december"],
    "month": lambda m: m["month_from_march"] + 3.0 - m["after_december"] * 12.0,
    "quarter": lambda m: m.whole(m["month"] + 2.0, 3.0),
    "day": lambda m: m["day_from_march"] - m.whole(m["month_from_march"] * 153.0 + 2.0, 5.0) + 1.0,
    "day_of_year": _day_of_year,
}

# weekday: 0 for Monday to 6 for Sunday; is_weekend: 1 on Saturday and Sunday; elapsed_days: since 1970-01-01.
PARTS = (
    "year",
    "quarter",
    "month",
    "day",
    "day_of_year",
    "weekday",
    "is_weekend",
    "hour",
    "minute",
    "second",
    "elapsed_days",
)
DEFAULT_PARTS = ("year", "month", "day", "weekday", "hour", "minute", "elapsed_days")


def calendar_part(seconds: Any, part: str, floor: Callable[[Any], Any]) -> Any:
    """One of PARTS of each moment."""
    return Moment(seconds, floor)[part]
