"""A broker for each module of this folder, which its tests may kill."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.servers.kafka import KafkaBroker


@pytest.fixture(scope="module")
def module_broker() -> Iterator[KafkaBroker]:
    with KafkaBroker() as broker:
        yield broker


@pytest.fixture
def kafka_broker(module_broker: KafkaBroker) -> KafkaBroker:
    """A running broker, on which other tests of the module have left their topics."""
    if not module_broker._server.is_running():
        module_broker.start()
    return module_broker
