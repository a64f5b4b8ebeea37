"""The producer as it really is, connected to a broker."""

from __future__ import annotations

from fairlead.kit.events.kafka.options import Cluster
from fairlead.kit.events.kafka.producing import GUARANTEES, close_producer, connect_producer


def test_a_publisher_is_idempotent_and_waits_for_all_replicas_in_sync(kafka_bootstrap: str) -> None:
    producer = connect_producer(Cluster((kafka_bootstrap,)))
    config, numbers_its_batches = producer.config, producer._transaction_manager is not None
    close_producer(producer)

    assert numbers_its_batches
    assert config["enable_idempotence"] is True
    assert config["acks"] == -1, "all"
    # Of two requests on their way the first could fail and the second pass.
    assert config["max_in_flight_requests_per_connection"] == 1


def test_it_says_so_itself_whatever_the_defaults_of_the_client_are() -> None:
    assert dict(GUARANTEES) == {"enable_idempotence": True, "acks": "all", "max_in_flight_requests_per_connection": 1}
