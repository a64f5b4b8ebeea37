"""Which pod a gateway asks: as the gateway does, and as a plain Service would."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Protocol

from services.gateway.domain.placement import Placement


class Routing(Protocol):
    """Chooses a pod for each request."""

    def set_endpoints(self, endpoints: Iterable[str]) -> None:
        """Use these from now on."""

    def choose(self, deployment: str) -> str:
        """Return where a request goes. Raises LookupError where there is nowhere."""

    def begin(self, endpoint: str) -> None:
        """Count a request as under way."""

    def end(self, endpoint: str) -> None:
        """Count a request as ended."""


class RoundRobin:
    """One pod after another, whatever is asked."""

    def __init__(self) -> None:
        self._endpoints: list[str] = []
        self._next = 0

    def set_endpoints(self, endpoints: Iterable[str]) -> None:
        """Use these from now on."""
        self._endpoints = sorted(endpoints)

    def choose(self, deployment: str) -> str:  # noqa: ARG002
        """Return the next one. Raises LookupError where there is none."""
        if not self._endpoints:
            raise LookupError("there is no endpoint")
        self._next = (self._next + 1) % len(self._endpoints)
        return self._endpoints[self._next]

    def begin(self, endpoint: str) -> None:
        """Count nothing."""

    def end(self, endpoint: str) -> None:
        """Count nothing."""


MakeRouting = Callable[[], Routing]
HASHING: MakeRouting = Placement
"""The gateway's own code."""
ROUND_ROBIN: MakeRouting = RoundRobin
