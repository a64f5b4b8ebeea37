"""How much of a topic is kept.

Publishers trim the topics they publish to: at once when one is too large, each minute what is too old (a topic that
nobody publishes to keeps its events). A group that is slower than that loses the dropped events: it goes on at the
oldest one kept, and a warning in its log counts what it missed.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from fairlead.kit.errors import InvalidArgument

from .topics import SPECS

DEFAULT_AGE = timedelta(days=7)
_DECLARED = {spec.name: spec.retention for spec in SPECS}


@dataclass(frozen=True)
class Retention:
    """The limits of each topic; the oldest events go first, the newest one always stays.

    Without a `max_age` a topic of Fairlead has the age that topics.SPECS declares, another one DEFAULT_AGE.
    """

    max_bytes: int = 512 * 1024 * 1024
    max_age: timedelta | None = None

    def __post_init__(self) -> None:
        if self.max_bytes <= 0 or (self.max_age is not None and self.max_age <= timedelta(0)):
            raise InvalidArgument("The retention of an event log needs max_bytes and max_age above zero.")

    def age_of(self, topic: str) -> timedelta:
        """Return the age beyond which the events of a topic go."""
        return _DECLARED.get(topic, DEFAULT_AGE) if self.max_age is None else self.max_age
