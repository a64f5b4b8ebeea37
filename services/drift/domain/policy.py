"""When a window closes and when it is an alert."""

from __future__ import annotations

import math
from dataclasses import dataclass

SMALLEST_WINDOW, LARGEST_WINDOW = 50, 10_000_000
MOST_WINDOWS = 100


@dataclass(frozen=True)
class Policy:
    """A monitor's policy: rows of a window, PSI thresholds, and how many of the last windows make an alert."""

    window_rows: int = 500
    warning_threshold: float = 0.1
    critical_threshold: float = 0.25
    windows_to_alert: int = 2
    windows_considered: int = 3


def problems(policy: Policy) -> tuple[tuple[str, str], ...]:
    """Return (field, what is wrong) for each field that makes no sense; empty for a good policy."""
    found: list[tuple[str, str]] = []
    if not SMALLEST_WINDOW <= policy.window_rows <= LARGEST_WINDOW:
        found.append(("window_rows", f"must be from {SMALLEST_WINDOW} to {LARGEST_WINDOW}, not {policy.window_rows}"))
    if not (math.isfinite(policy.warning_threshold) and policy.warning_threshold > 0):
        found.append(("warning_threshold", f"must be above 0, not {policy.warning_threshold}"))
    if not (math.isfinite(policy.critical_threshold) and policy.critical_threshold >= policy.warning_threshold):
        found.append(("critical_threshold", f"must not be below the warning's, not {policy.critical_threshold}"))
    if not 1 <= policy.windows_considered <= MOST_WINDOWS:
        found.append(("windows_considered", f"must be from 1 to {MOST_WINDOWS}, not {policy.windows_considered}"))
    if not 1 <= policy.windows_to_alert <= max(policy.windows_considered, 1):
        found.append(("windows_to_alert", f"must be from 1 to windows_considered, not {policy.windows_to_alert}"))
    return tuple(found)
