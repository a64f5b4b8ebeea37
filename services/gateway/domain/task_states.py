"""Where a task can stand."""

from __future__ import annotations

PENDING, RUNNING, SUCCEEDED, FAILED, CANCELLED = range(1, 6)
STATES = {"pending": PENDING, "running": RUNNING, "succeeded": SUCCEEDED, "failed": FAILED, "cancelled": CANCELLED}
ENDED = frozenset({SUCCEEDED, FAILED, CANCELLED})


def is_ended(state: int) -> bool:
    """Return True for a state that never changes again; the numbers are those of fairlead.api.tasks.v1.TaskState."""
    return state in ENDED
