"""Parts of a moment by arithmetic alone, so that NumPy and an ONNX graph compute them by the same formulas.

The civil calendar from a day count is Howard Hinnant's `civil_from_days`
(https://howardhinnant.github.io/date_algorithms.html).
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property
from typing import Any


class Moment:
    """Seconds since 1970-01-01 UTC, taken apart. Values are anything with + - * / and the given `floor`; NaN stays NaN."""

    def __init__(self, seconds: Any, floor: Callable[[Any], Any]) -> None:
        self._seconds = seconds
        self._floor = floor

    def _whole(self, value: Any, divisor: float) -> Any:
        return self._floor(value / divisor)

    @cached_property
    def elapsed_days(self) -> Any:
        """Whole days since 1970-01-01."""
        return self._whole(self._seconds, 86400.0)

    @cached_property
    def _second_of_day(self) -> Any:
        return self._seconds - self.elapsed_days * 86400.0

    @cached_property
    def hour(self) -> Any:
        """0 to 23."""
        return self._whole(self._second_of_day, 3600.0)

    @cached_property
    def minute(self) -> Any:
        """0 to 59."""
        return self._whole(self._second_of_day - self.hour * 3600.0, 60.0)

    @cached_property
    def second(self) -> Any:
        """0 to 59, the fraction dropped."""
        return self._floor(self._second_of_day - self.hour * 3600.0 - self.minute * 60.0)

    @cached_property
    def weekday(self) -> Any:
        """0 for Monday to 6 for Sunday."""
        shifted = self.elapsed_days + 3.0
        return shifted - self._whole(shifted, 7.0) * 7.0

    @cached_property
    def is_weekend(self) -> Any:
        """1 on Saturday and Sunday, else 0."""
        return self._whole(self.weekday, 5.0)

    @cached_property
    def _era(self) -> Any:
        return self._whole(self.elapsed_days + 719468.0, 146097.0)

    @cached_property
    def _year_of_era(self) -> Any:
        day = self._day_of_era
        leap_free = day - self._whole(day, 1460.0) + self._whole(day, 36524.0) - self._whole(day, 146096.0)
        return self._whole(leap_free, 365.0)

    @cached_property
    def _day_of_era(self) -> Any:
        return self.elapsed_days + 719468.0 - self._era * 146097.0

    @cached_property
    def _day_from_march(self) -> Any:
        year = self._year_of_era
        return self._day_of_era - (year * 365.0 + self._whole(year, 4.0) - self._whole(year, 100.0))

    @cached_property
    def _month_from_march(self) -> Any:
        return self._whole(self._day_from_march * 5.0 + 2.0, 153.0)

    @cached_property
    def _after_december(self) -> Any:
        return self._whole(self._month_from_march + 2.0, 12.0)

    @cached_property
    def year(self) -> Any:
        """The calendar year."""
        return self._year_of_era + self._era * 400.0 + self._after_december

    @cached_property
    def month(self) -> Any:
        """1 to 12."""
        return self._month_from_march + 3.0 - self._after_december * 12.0

    @cached_property
    def quarter(self) -> Any:
        """1 to 4."""
        return self._whole(self.month + 2.0, 3.0)

    @cached_property
    def day(self) -> Any:
        """Day of the month, 1 to 31."""
        return self._day_from_march - self._whole(self._month_from_march * 153.0 + 2.0, 5.0) + 1.0

    @cached_property
    def day_of_year(self) -> Any:
        """1 to 366."""
        before = self.year - 1.0
        leaps = self._whole(before, 4.0) - self._whole(before, 100.0) + self._whole(before, 400.0)
        return self.elapsed_days - (before * 365.0 + leaps - 719162.0) + 1.0


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
    return getattr(Moment(seconds, floor), part)
