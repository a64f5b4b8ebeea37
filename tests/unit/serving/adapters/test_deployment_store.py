from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from threading import Barrier

import pytest

from fairlead.api.events.v1 import events_pb2
from fairlead.kit.database import migrate, open_database
from fairlead.kit.errors import Aborted, AlreadyExists, NotFound, Unavailable
from fairlead.kit.events import Draft, EventLog, open_event_log, topics
from services.serving.adapters.deployment_store import SqlDeploymentStore
from services.serving.adapters.outbox import Outbox
from services.serving.adapters.tables import MIGRATIONS
from services.serving.domain.deployment import Deployment
from tests import waiting
from tests.unit.serving.adapters.test_prediction_log import AwayAtFirst

NOW = datetime(2026, 1, 31, 17, 1, 3, tzinfo=UTC)
INCOME = Deployment("p", "income", "projects/p/models/m/versions/1", "models/p/1", "etag-1", NOW, NOW)


class TakesAndForgets:
    """An event log that takes the first publication and fails all the same, as where its acknowledgement is lost."""

    def __init__(self, behind: EventLog) -> None:
        self._behind, self._lost = behind, False

    def publish_many(self, topic: str, drafts: Iterable[Draft]) -> None:
        self._behind.publish_many(topic, drafts)
        if not self._lost:
            self._lost = True
            raise Unavailable("no acknowledgement came")


@pytest.fixture
def events(tmp_path: Path) -> Iterator[EventLog]:
    log = open_event_log(f"sqlite:///{tmp_path}/events.db", source="serving")
    yield log
    log.close()


Open = Callable[[EventLog], SqlDeploymentStore]


@pytest.fixture
def open_store(database_url: str) -> Iterator[Open]:
    with ExitStack() as opened:

        def open_one(events: EventLog) -> SqlDeploymentStore:
            engine = open_database(database_url, "serving")
            opened.callback(engine.dispose)
            migrate(engine, MIGRATIONS)
            outbox = Outbox(engine, events)
            opened.callback(outbox.close)
            return SqlDeploymentStore(engine, outbox)

        yield open_one


def published(events: EventLog) -> list[events_pb2.DeploymentChanged]:
    return [event.unpack(events_pb2.DeploymentChanged) for event in events.replay(topics.DEPLOYMENTS)]


def test_a_deployment_survives_a_restart(open_store: Open, events: EventLog) -> None:
    open_store(events).insert(INCOME)
    assert open_store(events).get("p", "income") == INCOME
    assert open_store(events).all() == [INCOME]


def test_each_change_is_published_with_the_references_key(open_store: Open, events: EventLog) -> None:
    store = open_store(events)
    store.insert(INCOME)
    store.update(replace(INCOME, model_version="projects/p/models/m/versions/2", etag="etag-2"), "etag-1")
    store.delete(INCOME)
    created, updated, deleted = published(events)
    assert created.deployment.name == "projects/p/deployments/income"
    assert created.deployment.inference_name == "p.income"
    assert created.deployment.reference_blob == "models/p/1/reference.json"
    assert updated.deployment.model_version == "projects/p/models/m/versions/2"
    assert (created.deleted, updated.deleted, deleted.deleted) == (False, False, True)
    assert {event.key for event in events.replay(topics.DEPLOYMENTS)} == {"projects/p/deployments/income"}


def test_a_change_whose_event_could_not_be_published_is_told_later(open_store: Open, events: EventLog) -> None:
    store = open_store(AwayAtFirst(events, refusals=1))  # type: ignore[arg-type]
    store.insert(INCOME)
    assert published(events) == []
    waiting.published(events, topics.DEPLOYMENTS)
    assert published(events)[0].deployment.etag == "etag-1"


def test_the_next_process_publishes_what_the_last_could_not(
    open_store: Open, database_url: str, events: EventLog
) -> None:
    open_store(AwayAtFirst(events, refusals=10**6)).insert(INCOME)  # type: ignore[arg-type]
    engine = open_database(database_url, "serving")
    outbox = Outbox(engine, events)
    assert outbox.publish()
    assert len(published(events)) == 1
    assert outbox.publish()
    assert len(published(events)) == 1
    outbox.close()
    engine.dispose()


def test_a_change_that_is_published_twice_has_the_same_event_id(open_store: Open, events: EventLog) -> None:
    store = open_store(TakesAndForgets(events))  # type: ignore[arg-type]
    store.insert(INCOME)
    waiting.until(lambda: len(published(events)) == 2, "the event's repetition")
    store.delete(INCOME)
    store.insert(replace(INCOME, etag="etag-2"))
    created, again, deleted, other = [event.id for event in events.replay(topics.DEPLOYMENTS)]
    assert created == again
    assert len({created, deleted, other}) == 3


def test_a_name_is_taken_once(open_store: Open, events: EventLog) -> None:
    store = open_store(events)
    store.insert(INCOME)
    with pytest.raises(AlreadyExists):
        store.insert(INCOME)
    store.insert(replace(INCOME, project="q"))
    assert len(published(events)) == 2


def test_a_stale_etag_changes_nothing(open_store: Open, events: EventLog) -> None:
    store = open_store(events)
    store.insert(INCOME)
    with pytest.raises(Aborted, match="was changed meanwhile"):
        store.update(replace(INCOME, etag="etag-3"), "etag-0")
    assert store.get("p", "income") == INCOME
    assert len(published(events)) == 1


def test_of_many_who_change_the_same_state_at_once_one_does(open_store: Open, events: EventLog) -> None:
    store = open_store(events)
    store.insert(INCOME)
    together = Barrier(8)

    def change(number: int) -> bool:
        together.wait()
        try:
            store.update(replace(INCOME, etag=f"etag-by-{number}"), "etag-1")
        except Aborted:
            return False
        return True

    with ThreadPoolExecutor(8) as pool:
        changed = list(pool.map(change, range(8)))
    assert changed.count(True) == 1
    assert store.get("p", "income").etag == f"etag-by-{changed.index(True)}"
    assert [change.deployment.etag for change in published(events)] == ["etag-1", f"etag-by-{changed.index(True)}"]


def test_what_is_absent_is_not_found(open_store: Open, events: EventLog) -> None:
    store = open_store(events)
    with pytest.raises(NotFound):
        store.get("p", "income")
    with pytest.raises(NotFound):
        store.update(INCOME, "etag-1")
    with pytest.raises(NotFound):
        store.delete(INCOME)


def test_pages_go_by_id_within_a_project(open_store: Open, events: EventLog) -> None:
    store = open_store(events)
    for name in ("c", "a", "b"):
        store.insert(replace(INCOME, id=name))
    store.insert(replace(INCOME, project="q"))
    assert [found.id for found in store.page("p", 2, "")] == ["a", "b"]
    assert [found.id for found in store.page("p", 2, "b")] == ["c"]
