"""What stands in the way of a start."""

from __future__ import annotations


class UpError(Exception):
    """Why Fairlead can't be started, in one sentence that says what to do."""
