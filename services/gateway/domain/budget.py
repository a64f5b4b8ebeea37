"""Time budgets as people write them."""

from __future__ import annotations

import re

from fairlead.kit.errors import FieldViolation, InvalidArgument

_UNITS = {"": 1.0, "s": 1.0, "m": 60.0, "min": 60.0, "h": 3600.0}
_BUDGET = re.compile(r"\s*(\d+(?:\.\d+)?)\s*(s|m|min|h|)\s*")


def parse_budget(budget: float | str) -> float:
    """Return a budget in seconds: a number, or text such as "90s", "5m" or "1.5h".

    Raises InvalidArgument for anything else and for what is not above zero.
    """
    if isinstance(budget, str):
        match = _BUDGET.fullmatch(budget)
        if match is None:
            raise _invalid(f"budget '{budget}' is no duration; write seconds as a number, or '90s', '5m' or '1h'")
        budget = float(match[1]) * _UNITS[match[2]]
    if not 0 < budget < 1e9:
        raise _invalid("budget must be above zero, in seconds")
    return budget


def _invalid(message: str) -> InvalidArgument:
    return InvalidArgument(message, violations=[FieldViolation("budget", message)])
