"""A broker of these tests' own, which they may kill."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from fairlead.admin import events
from fairlead.kit.settings import KitSettings
from tests.servers.kafka import KafkaBroker


@pytest.fixture(scope="package")
def broker() -> Iterator[KafkaBroker]:
    """A running broker with the topics of Fairlead; each test leaves it running."""
    # A broker that was killed is taken back only once its former self is given up; by default that takes 9 s.
    with KafkaBroker({"broker.session.timeout.ms": "2000", "broker.heartbeat.interval.ms": "300"}) as broker:
        events.setup(KitSettings(events_url=f"kafka://{broker.bootstrap}"))
        yield broker
