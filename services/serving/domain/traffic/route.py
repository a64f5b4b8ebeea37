"""Which version answers a request: everything is worked out when the deployment changes, and nothing per request."""

from __future__ import annotations

import hashlib
from bisect import bisect_right
from collections.abc import Callable

from fairlead.kit.errors import NotFound

from .deployment import Deployment
from .split import SLOTS, Target


class Arm:
    """A model version that a deployment asks."""

    __slots__ = ("number", "shadow", "source", "version")

    def __init__(self, target: Target) -> None:
        self.source = target.source
        self.version = target.model_version
        self.number = target.model_version.rpartition("/")[2]
        self.shadow = target.shadow


class Route:
    """The split of one deployment; never changed, but replaced by another."""

    __slots__ = ("_ends", "_hash", "_owners", "arms", "champion", "deployment", "sampling_rate", "shadows", "sole")

    def __init__(self, deployment: Deployment) -> None:
        """Work out who answers what."""
        arms = [Arm(target) for target in deployment.traffic]
        self.deployment = deployment
        self.arms = tuple(arm for arm in arms if not arm.shadow)
        """Those that answer, the champion first."""
        self.shadows = tuple(arm for arm in arms if arm.shadow)
        self.champion = self.arms[0]
        self.sole = self.champion if len(self.arms) == 1 else None
        """The one that answers everything, if there is one."""
        rate = deployment.log_sampling_rate
        self.sampling_rate = rate if 0.0 < rate < 1.0 else 0.0
        """The share of requests that is logged; 0 for all."""
        owned = sorted(
            (end, index)
            for index, target in enumerate(target for target in deployment.traffic if not target.shadow)
            for _, end in target.spans
        )
        self._ends = [end for end, _ in owned]
        self._owners = [self.arms[index] for _, index in owned]
        # Of the name too: else whoever is in the small part of one split would be in that of every other.
        self._hash = hashlib.blake2b(f"{deployment.name}\0".encode(), digest_size=8)

    def pick(self, routing_key: str, chance: Callable[[], float]) -> Arm:
        """Return who answers: by the key, or by chance (a number from 0 up to 1) where it is empty."""
        if routing_key:
            digest = self._hash.copy()
            digest.update(routing_key.encode("utf-8", "surrogatepass"))
            slot = int.from_bytes(digest.digest(), "little") % SLOTS
        else:
            slot = int(chance() * SLOTS)
        return self._owners[bisect_right(self._ends, slot)]

    def arm(self, number: str) -> Arm:
        """Return the version of this number, a shadow's too. Raises NotFound where it is in no target."""
        for arm in (*self.arms, *self.shadows):
            if arm.number == number:
                return arm
        name = self.deployment.name
        served = ", ".join(arm.number for arm in self.arms)
        raise NotFound(
            f"'{name}' serves version{'s' if len(self.arms) > 1 else ''} {served}, not {number}", resource=name
        )
