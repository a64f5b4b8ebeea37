"""Makes Kafka's topics where they are missing."""

from __future__ import annotations

from fairlead.kit.backends import kafka_options
from fairlead.kit.events import topics
from fairlead.kit.events.kafka.admin import kafka_admin
from fairlead.kit.events.kafka.options import cluster_of
from fairlead.kit.settings import KitSettings

settings = KitSettings()
with kafka_admin(cluster_of(settings.events_url, kafka_options(settings))) as admin:
    for plan in admin.setup(topics.SPECS, settings.kafka_replication_factor):
        print(plan)
