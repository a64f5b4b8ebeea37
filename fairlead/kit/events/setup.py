"""`python -m fairlead.kit.events.setup`: the topics that the services use, made in Kafka before these start."""

from __future__ import annotations

import logging
import sys
import time

from fairlead.kit.backends import kafka_options
from fairlead.kit.errors import FairleadError, Unavailable
from fairlead.kit.logging import configure_logging, get_logger
from fairlead.kit.settings import KitSettings

from .kafka.options import SCHEME, cluster_of
from .kafka.topic_plan import TopicPlan
from .topics import SPECS

# Brokers that are installed together with the services may take minutes.
WAIT_SECONDS = 300.0
RETRY_SECONDS = 2.0


def setup(settings: KitSettings) -> list[TopicPlan]:
    """Make the topics that the services use, with their partitions, replicas and retention; safe to repeat.

    Returns what was done with each; [] on SQLite, where topics make themselves. Raises Unavailable, PermissionDenied.
    """
    if not settings.events_url.startswith(SCHEME):
        return []
    # Here, so that an embedded Fairlead starts without Kafka's client.
    from .kafka.admin import kafka_admin

    with kafka_admin(cluster_of(settings.events_url, kafka_options(settings))) as admin:
        return admin.setup(SPECS, settings.kafka_replication_factor)


def setup_once_there(settings: KitSettings, wait_seconds: float = WAIT_SECONDS) -> list[TopicPlan]:
    """Do what `setup` does as soon as the brokers can, of which there may be too few at first.

    Raises Unavailable where they can't within `wait_seconds`, PermissionDenied.
    """
    until = time.monotonic() + wait_seconds
    while True:
        try:
            return setup(settings)
        except Unavailable as error:
            if time.monotonic() >= until:
                raise
            get_logger("fairlead.topics").warning("waiting", why=error.message)
        time.sleep(RETRY_SECONDS)


def main() -> None:
    """Make the topics and log what was done; end with status 1, and the reason in the log, where that can't be."""
    settings = KitSettings()
    configure_logging("topics", settings.log_level, settings.log_format)
    # What its client logs comes as an error too, where it matters.
    logging.getLogger("kafka").setLevel(logging.CRITICAL)
    logger = get_logger("fairlead.topics")
    try:
        plans = setup_once_there(settings)
    except FairleadError as error:
        logger.error("the topics are not made", why=error.message)
        sys.exit(1)
    for plan in plans:
        logger.info(plan.note, topic=plan.name, partitions=plan.partitions, retention_ms=plan.retention_ms)
    if not plans:
        logger.info("nothing to do: the event log is not Kafka", url=settings.events_url)


if __name__ == "__main__":
    main()
