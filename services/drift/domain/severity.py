"""Grades of drift."""

from enum import IntEnum


class Severity(IntEnum):
    """How bad a column, a window or an alert is; a larger one is worse."""

    OK = 1
    WARNING = 2
    CRITICAL = 3
