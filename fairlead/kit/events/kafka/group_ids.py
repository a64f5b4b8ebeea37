"""What a consumer group of the port is called in Kafka: each topic that it reads has a group of its own there.

Kafka's groups share out all topics of all their members. Where members read different ones, each change of their number
stops them all, and kafka-python never comes to rest. This way, too, what a group has committed of a topic lasts
whatever else it reads.
"""

from __future__ import annotations


def group_id_of(group: str, topic: str) -> str:
    """Return the id of Kafka's group for a group's share of a topic."""
    return f"{group}.{topic}"


def group_of(group_id: str, topic: str) -> str:
    """Return the group that Kafka's group for a topic belongs to; another tool's group is as it is."""
    return group_id.removesuffix(f".{topic}")
