"""What is wrong with a backup or with its target."""

from __future__ import annotations

from fairlead.kit.errors import FailedPrecondition

BEGIN_AGAIN = "free some space and begin again"
"""What to do about a full disk."""


class Damaged(FailedPrecondition):
    """A backup is not as it was written, or was never finished."""


class NotEmpty(FailedPrecondition):
    """A target holds something already."""
