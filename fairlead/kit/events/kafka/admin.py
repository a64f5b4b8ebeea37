"""Making topics and looking at them and at consumer groups."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from kafka import TopicPartition
from kafka.admin import ConfigResource, ConfigResourceType, KafkaAdminClient
from kafka.errors import KafkaError, TopicAlreadyExistsError, UnknownTopicOrPartitionError, for_code

from ..topics import TopicSpec
from .failures import failure_of
from .group_ids import group_of
from .options import Cluster
from .topic_plan import MAX_MESSAGE, MIN_IN_SYNC, RETENTION, FoundTopic, TopicPlan, first_settings, plan_topic

REQUEST_TIMEOUT_MS = 15_000
_BROKERS_DEFAULT = -1
_LATEST = -1
_EARLIEST = -2


@dataclass(frozen=True)
class TopicSize:
    """How much a topic holds; transactions and compaction make `events` an upper bound."""

    name: str
    partitions: int
    events: int
    end: int


@dataclass(frozen=True)
class GroupLag:
    """How many events of a topic a consumer group has still to take."""

    group: str
    topic: str
    state: str
    lag: int


class KafkaAdmin:
    """Raises Unavailable where no broker answers, PermissionDenied where it may not."""

    def __init__(self, client: KafkaAdminClient, cluster: Cluster) -> None:
        self._client = client
        self._cluster = cluster

    def setup(self, specs: Sequence[TopicSpec], replication: int = 0) -> list[TopicPlan]:
        """Make the declared topics and set what they need; return what was done. Safe to repeat.

        `replication` is the number of replicas of what is made, 0 for the brokers' default.
        """
        names = [spec.name for spec in specs]
        found = self._found(names)
        missing = [spec for spec in specs if spec.name not in found]
        if missing:
            self._make(missing, replication or _BROKERS_DEFAULT)
            found |= self._found([spec.name for spec in missing])
        plans = [plan_topic(spec, found[spec.name], made=spec in missing, replication=replication) for spec in specs]
        changed = [_resource(plan.name, dict(plan.settings)) for plan in plans if plan.settings]
        if changed:
            self._require_ok(self._client.alter_configs(changed)["topic"])
        return plans

    def sizes(self, names: Iterable[str]) -> list[TopicSize]:
        """Return the size of each topic that is there."""
        wanted = list(names)
        there = self._partitions(wanted)
        partitions = {name: there[name] for name in wanted if name in there}
        places = [TopicPartition(name, number) for name, count in partitions.items() for number in range(count)]
        starts, ends = self._offsets(places, _EARLIEST), self._offsets(places, _LATEST)
        sizes = []
        for name, count in partitions.items():
            own = [place for place in places if place.topic == name]
            held = sum(ends[place] - starts[place] for place in own)
            sizes.append(TopicSize(name, count, held, sum(ends[place] for place in own)))
        return sizes

    def lags(self) -> list[GroupLag]:
        """Return the lag of each consumer group in each topic that it ever committed in."""
        states = {group["group_id"]: group["group_state"] for group in self._client.list_groups()}
        if not states:
            return []
        committed = self._client.list_group_offsets(list(states))
        there = self._partitions(sorted({place.topic for places in committed.values() for place in places}))
        ends = self._offsets([TopicPartition(name, n) for name, count in there.items() for n in range(count)], _LATEST)
        lags: dict[tuple[str, str], int] = {}
        for group, places in committed.items():
            for place, stored in places.items():
                if place in ends and stored.offset >= 0:
                    key = (group, place.topic)
                    lags[key] = lags.get(key, 0) + max(0, ends[place] - stored.offset)
        return [
            GroupLag(group_of(group_id, topic), topic, states[group_id], lag)
            for (group_id, topic), lag in sorted(lags.items())
        ]

    def _found(self, names: list[str]) -> dict[str, FoundTopic]:
        topics = self._described(names)
        if not topics:
            return {}
        described = self._client.describe_configs([_resource(name) for name in topics], config_filter="all")

        def setting(topic: str, name: str) -> int:
            return int(described["topic"][topic][name]["value"])

        return {
            name: FoundTopic(
                partitions=len(partitions),
                retention_ms=setting(name, RETENTION),
                max_message_bytes=setting(name, MAX_MESSAGE),
                # A reassignment may have left some partitions behind: the weakest one counts.
                replicas=min(len(partition["replica_nodes"]) for partition in partitions),
                min_in_sync=setting(name, MIN_IN_SYNC),
            )
            for name, partitions in topics.items()
        }

    def _partitions(self, names: list[str]) -> dict[str, int]:
        """Return the number of partitions of each topic that is there."""
        return {name: len(partitions) for name, partitions in self._described(names).items()}

    def _described(self, names: list[str]) -> dict[str, list[dict[str, Any]]]:
        """Return the partitions of each topic that is there."""
        found = {}
        for topic in self._client.describe_topics(names) if names else ():
            if topic["error_code"] == UnknownTopicOrPartitionError.errno:
                continue
            if topic["error_code"]:
                raise for_code(topic["error_code"])(topic["name"])
            found[topic["name"]] = topic["partitions"]
        return found

    def _make(self, specs: Sequence[TopicSpec], replication: int) -> None:
        wanted = {
            spec.name: {
                "num_partitions": spec.partitions,
                "replication_factor": replication,
                "configs": first_settings(spec),
            }
            for spec in specs
        }
        answer = self._client.create_topics(wanted, raise_errors=False)
        for topic in answer["topics"]:
            # Another `setup` may have been quicker.
            if topic["error_code"] not in (0, TopicAlreadyExistsError.errno):
                raise for_code(topic["error_code"])(f"topic '{topic['name']}': {topic['error_message']}")
        self._client.wait_for_topics(list(wanted))

    def _offsets(self, places: Sequence[TopicPartition], which: int) -> dict[TopicPartition, int]:
        if not places:
            return {}
        found = self._client.list_partition_offsets(dict.fromkeys(places, which))
        return {place: at.offset for place, at in found.items()}

    def _require_ok(self, results: dict[str, str]) -> None:
        for name, result in results.items():
            if result != "OK":
                raise KafkaError(f"the settings of topic '{name}' can't be changed: {result}")


@contextmanager
def kafka_admin(cluster: Cluster) -> Iterator[KafkaAdmin]:
    """Lend a connection for administration; the errors of the brokers come out as Fairlead's."""
    try:
        client = KafkaAdminClient(**cluster.client_config(), request_timeout_ms=REQUEST_TIMEOUT_MS)
        try:
            yield KafkaAdmin(client, cluster)
        finally:
            client.close()
    except (KafkaError, OSError) as error:
        raise failure_of(error, "administration of its topics", cluster) from error


def _resource(name: str, configs: dict[str, str] | None = None) -> ConfigResource:
    return ConfigResource(ConfigResourceType.TOPIC, name, configs=configs)
