"""Which endpoint answers for which deployment, so that a model is in the memory of few processes.

Rendezvous hashing (Thaler and Ravishankar, 1998) gives each deployment an order of the endpoints that depends on
nothing else: when one of N leaves, only the deployments that were its own move. With bounded loads (Mirrokni, Thorup
and Zadimoghaddam, 2018) a call goes on to the next in its order where the first has more than its share under way.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from hashlib import blake2b

HEADROOM = 1.25
"""How much more than the mean an endpoint may have under way: more keeps models together, less evens the load."""
REMEMBERED = 10_000
"""How many deployments' orders are kept; beyond it they are worked out anew."""


class Placement:
    """The endpoints there are, and the calls under way at each. For use by one thread, or on one event loop."""

    def __init__(self, endpoints: Iterable[str] = ()) -> None:
        self._in_flight: dict[str, int] = {}
        self._total = 0
        self._orders: dict[str, tuple[str, ...]] = {}
        self.set_endpoints(endpoints)

    @property
    def endpoints(self) -> tuple[str, ...]:
        """Return the endpoints, sorted."""
        return tuple(self._in_flight)

    def set_endpoints(self, endpoints: Iterable[str]) -> None:
        """Use these from now on; calls under way at others are counted no more."""
        self._in_flight = {endpoint: self._in_flight.get(endpoint, 0) for endpoint in sorted(set(endpoints))}
        self._total = sum(self._in_flight.values())
        self._orders.clear()

    def order(self, deployment: str) -> tuple[str, ...]:
        """Return every endpoint, the deployment's own first, then where to go when those before it can't answer."""
        order = self._orders.get(deployment)
        if order is None:
            if len(self._orders) >= REMEMBERED:
                self._orders.clear()
            order = tuple(sorted(self._in_flight, key=lambda endpoint: _weight(deployment, endpoint), reverse=True))
            self._orders[deployment] = order
        return order

    def choose(self, deployment: str, avoid: frozenset[str] = frozenset()) -> str:
        """Return where the next call goes; those to avoid are taken only where there is no other.

        Raises LookupError where there is no endpoint.
        """
        order = self.order(deployment)
        if not order:
            raise LookupError("there is no endpoint")
        if len(order) == 1:
            return order[0]
        wanted = order
        if avoid:
            wanted = tuple(endpoint for endpoint in order if endpoint not in avoid) or order
        most = math.ceil(HEADROOM * (self._total + 1) / len(order))
        return next((endpoint for endpoint in wanted if self._in_flight[endpoint] < most), wanted[0])

    def under_way(self, endpoint: str) -> int:
        """Return how many calls an endpoint has."""
        return self._in_flight.get(endpoint, 0)

    def begin(self, endpoint: str) -> None:
        """Count a call as under way."""
        if endpoint in self._in_flight:
            self._in_flight[endpoint] += 1
            self._total += 1

    def end(self, endpoint: str) -> None:
        """Count a call as ended."""
        if self._in_flight.get(endpoint, 0) > 0:
            self._in_flight[endpoint] -= 1
            self._total -= 1


def _weight(deployment: str, endpoint: str) -> bytes:
    return blake2b(f"{endpoint}\0{deployment}".encode(), digest_size=8).digest()
