"""How much a caller may send that asks for nothing: pings, settings, calls that it takes back, empty frames."""

from __future__ import annotations

MOST_STRIKES = 1000
FORGIVEN_A_SECOND = 100
FORGIVEN_AN_ANSWER = 4
"""Frames that a caller may send for each that it is sent: it acknowledges, measures the way, and takes calls back."""
MOST_CREDIT = 10_000


class Patience:
    """Counts one connection's frames that ask for nothing."""

    __slots__ = ("_strikes",)

    def __init__(self) -> None:
        self._strikes = 0

    def strike(self) -> bool:
        """Count one, and return whether that is too many."""
        self._strikes += 1
        return self._strikes > MOST_STRIKES

    def credit(self) -> None:
        """Note that the caller was sent something."""
        self._strikes = max(-MOST_CREDIT, self._strikes - FORGIVEN_AN_ANSWER)

    def forgive(self) -> None:
        """Note that a second has passed."""
        self._strikes = max(min(self._strikes, 0), self._strikes - FORGIVEN_A_SECOND)
