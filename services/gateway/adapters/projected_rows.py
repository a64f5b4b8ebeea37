"""The rows of the projection, written in the transaction of the events that they come from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from sqlalchemy import Connection, insert, select, update

from fairlead.kit.database import upsert

from ..domain.task_states import is_ended
from .projected_events import TaskRecord, microseconds
from .schema import consumed_positions, projected_tasks, task_records


def store_records(connection: Connection, records: Sequence[TaskRecord]) -> list[TaskRecord]:
    """Store what is not stored yet, and how the tasks stand now; return the records that are new."""
    fresh = _unseen(connection, records)
    newest: dict[str, TaskRecord] = {}
    for record in fresh:
        if record.state is not None and (record.task not in newest or record.revision >= newest[record.task].revision):
            newest[record.task] = record
    for record in newest.values():
        _store_task(connection, record)
    if fresh:
        connection.execute(insert(task_records), [record.row() for record in fresh])
    return fresh


def store_positions(connection: Connection, positions: Mapping[tuple[str, int], int]) -> None:
    """Store up to which offset each (topic, partition) is in the projection; what comes again moves nothing back."""
    for (topic, partition), offset in positions.items():
        at = (consumed_positions.c.topic == topic, consumed_positions.c.partition == partition)
        known = connection.scalar(select(consumed_positions.c.event_offset).where(*at).with_for_update())
        if known is None or known < offset:
            upsert(connection, consumed_positions, {"topic": topic, "partition": partition, "event_offset": offset})


def _unseen(connection: Connection, records: Sequence[TaskRecord]) -> list[TaskRecord]:
    ids = {record.event_id for record in records}
    query = select(task_records.c.event_id, task_records.c.type).where(task_records.c.event_id.in_(ids))
    seen = {(row.event_id, row.type) for row in connection.execute(query)}
    unseen = {(record.event_id, record.type): record for record in records}
    return [record for key, record in unseen.items() if key not in seen]


def _store_task(connection: Connection, record: TaskRecord) -> None:
    """Store how a task stands, unless what is stored is newer: an old event may come again long after its end."""
    task = record.state
    assert task is not None
    project, _, task_id = task.name.removeprefix("projects/").partition("/tasks/")
    values = {
        "project": project,
        "task_id": task_id,
        "kind": task.kind,
        "state": task.state,
        "parent_task": task.parent_task,
        "create_us": microseconds(task.create_time),
        "end_us": microseconds(task.end_time) if is_ended(task.state) else None,
        "task": task.SerializeToString(),
        "revision": record.revision,
    }
    same = projected_tasks.c.name == task.name
    known = connection.scalar(select(projected_tasks.c.revision).where(same).with_for_update())
    if known is None:
        connection.execute(insert(projected_tasks).values(name=task.name, **values))
    elif known <= record.revision:
        connection.execute(update(projected_tasks).where(same).values(values))
