import shutil
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Barrier

import pytest
import sqlalchemy as sa

from fairlead.api.events.v1 import events_pb2
from fairlead.kit.database import UtcDateTime, migrate, open_database
from fairlead.kit.errors import Aborted, AlreadyExists, NotFound, Unavailable
from fairlead.kit.events import Draft, EventLog, open_event_log, topics
from services.serving.adapters.deployments.store import SqlDeploymentStore
from services.serving.adapters.log.outbox import Outbox
from services.serving.adapters.tables import MIGRATIONS, metadata
from services.serving.domain.traffic.deployment import Deployment
from services.serving.domain.traffic.split import Step, Target, divided, sole
from tests import waiting
from tests.unit.serving.adapters.log.test_prediction_log import AwayAtFirst

NOW = datetime(2026, 1, 31, 17, 1, 3, tzinfo=UTC)
V1, V2 = "projects/p/models/m/versions/1", "projects/p/models/m/versions/2"
INCOME = Deployment("p", "income", sole(V1, "models/p/1"), "etag-1", NOW, NOW)


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
    inserted = open_store(events).insert(INCOME)
    assert inserted == replace(INCOME, revision=1)
    assert open_store(events).get("p", "income") == inserted
    assert open_store(events).all() == [inserted]


def test_each_change_is_published_with_the_references_key(open_store: Open, events: EventLog) -> None:
    store = open_store(events)
    store.insert(INCOME)
    store.update(replace(INCOME, traffic=sole(V2, "models/p/2"), etag="etag-2"), "etag-1")
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
    assert store.get("p", "income") == replace(INCOME, revision=1)
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


SPLIT = divided(
    [Target(V1, "models/p/1", 100 / 3), Target(V2, "models/p/2", 200 / 3), Target("v3", "models/p/3", shadow=True)], ()
)
PLANNED = replace(
    INCOME,
    traffic=SPLIT,
    previous_traffic=sole(V2, "models/p/2"),
    steps=tuple(
        Step(NOW + timedelta(days=day), (Target(V2, "models/p/2", 100.0), Target(V1, "models/p/1", shadow=True)))
        for day in (1, 2)
    ),
    in_rollout=True,
    schedule_error="it was not meant to be",
    pinned=True,
    log_sampling_rate=0.25,
)


def test_splits_steps_and_the_way_back_survive_a_restart(open_store: Open, events: EventLog) -> None:
    store = open_store(events)
    store.insert(INCOME)
    store.insert(replace(INCOME, id="another"))
    kept = store.update(replace(PLANNED, etag="etag-2"), "etag-1")
    assert kept == replace(PLANNED, etag="etag-2", revision=3)
    assert open_store(events).get("p", "income") == kept
    assert [found.id for found in store.page("p", 2, "")] == ["another", "income"]
    assert store.page("p", 1, "another") == [kept]
    back = store.update(replace(INCOME, etag="etag-3"), "etag-2")
    assert open_store(events).get("p", "income") == back == replace(INCOME, etag="etag-3", revision=4)


def test_the_event_of_a_change_tells_of_splits_steps_and_references(open_store: Open, events: EventLog) -> None:
    open_store(events).insert(PLANNED)
    (told,) = (change.deployment for change in published(events))
    assert [(each.model_version[-1], round(each.percent), each.shadow) for each in told.traffic] == [
        ("1", 33, False),
        ("2", 67, False),
        ("3", 0, True),
    ]
    assert [each.reference_blob for each in told.traffic] == [f"models/p/{n}/reference.json" for n in (1, 2, 3)]
    assert [each.model_version for each in told.previous_traffic] == [V2]
    assert [step.time.ToDatetime(UTC) for step in told.steps] == [NOW + timedelta(days=day) for day in (1, 2)]
    assert told.steps[0].traffic[0].percent == 100
    assert (told.pinned, told.log_sampling_rate, told.error) == (True, 0.25, "it was not meant to be")


def test_changes_are_seen_by_their_number_whoever_makes_them(open_store: Open, events: EventLog) -> None:
    one, other = open_store(events), open_store(events)
    empty = other.changes_since(-1)
    assert empty is not None
    assert (empty.revision, empty.deployments, empty.names) == (0, (), frozenset())
    assert other.changes_since(0) is None
    inserted = one.insert(INCOME)
    second = one.insert(replace(INCOME, id="second"))
    seen = other.changes_since(0)
    assert seen is not None
    assert (seen.revision, seen.deployments) == (2, (inserted, second))
    updated = one.update(replace(INCOME, etag="etag-2"), "etag-1")
    one.delete(second)
    seen = other.changes_since(2)
    assert seen is not None
    assert (seen.revision, seen.deployments, seen.names) == (4, (updated,), frozenset({INCOME.name}))
    # As after a backup was restored, whose numbers are lower.
    again = other.changes_since(1000)
    assert again is not None
    assert (again.revision, again.deployments) == (4, (updated,))


def test_a_refused_change_has_no_number(open_store: Open, events: EventLog) -> None:
    store = open_store(events)
    store.insert(INCOME)
    with pytest.raises(AlreadyExists):
        store.insert(INCOME)
    with pytest.raises(Aborted):
        store.update(INCOME, "stale")
    with pytest.raises(NotFound):
        store.delete(replace(INCOME, id="none"))
    assert store.changes_since(1) is None


def test_changes_at_the_same_time_have_numbers_in_the_order_they_are_seen(open_store: Open, events: EventLog) -> None:
    store = open_store(events)
    with ThreadPoolExecutor(8) as pool:
        inserted = list(pool.map(lambda number: store.insert(replace(INCOME, id=f"d-{number}")), range(24)))
    assert sorted(deployment.revision for deployment in inserted) == list(range(1, 25))
    assert {found.id: found for found in store.all()} == {made.id: made for made in inserted}


def test_a_deployment_of_the_first_version_serves_one_version_alone(
    database_url: str, tmp_path: Path, events: EventLog
) -> None:
    folder = tmp_path / "revisions"
    folder.mkdir()
    shutil.copy(MIGRATIONS / "serving_0001.py", folder)
    engine = open_database(database_url, "serving")
    migrate(engine, folder)
    with engine.begin() as connection:
        row = {"project": "p", "id": "income", "model_version": V1, "package_blob": "models/p/1", "etag": "etag-1"}
        columns = ", ".join([*row, "create_time", "update_time"])
        values = ", ".join([*(f":{name}" for name in row), ":now", ":now"])
        insert = sa.text(f"INSERT INTO deployments ({columns}) VALUES ({values})")
        connection.execute(insert.bindparams(sa.bindparam("now", NOW, UtcDateTime)), row)

    migrate(engine, MIGRATIONS)

    outbox = Outbox(engine, events)
    store = SqlDeploymentStore(engine, outbox)
    assert store.all() == [INCOME]
    changes = store.changes_since(-1)
    assert changes is not None
    assert (changes.revision, changes.deployments) == (0, (INCOME,))
    assert store.update(replace(INCOME, traffic=SPLIT, etag="etag-2"), "etag-1").revision == 1
    outbox.close()
    engine.dispose()


def test_a_database_that_was_only_started_with_is_empty(database_url: str) -> None:
    engine = open_database(database_url, "serving")
    migrate(engine, MIGRATIONS)
    with engine.connect() as connection:
        counts = [connection.scalar(sa.select(sa.func.count()).select_from(table)) for table in metadata.sorted_tables]
    engine.dispose()
    assert counts == [0, 0, 0, 0]


def test_what_an_earlier_version_stores_beside_this_one_serves_one_version_alone(
    database_url: str, open_store: Open, events: EventLog
) -> None:
    store = open_store(events)
    store.insert(INCOME)
    engine = open_database(database_url, "serving")
    with engine.begin() as connection:
        connection.execute(sa.text("DELETE FROM deployment_targets"))
    engine.dispose()
    assert store.get("p", "income") == replace(INCOME, revision=1)
