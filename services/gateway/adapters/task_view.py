"""Reading the projection of tasks."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Engine, select, tuple_

from fairlead.api.tasks.v1.task_pb2 import LogLine, Task
from fairlead.kit.events import Position
from fairlead.kit.pagination import decode_token, encode_token, page_limit

from ..domain.page_position import position_of
from .schema import consumed_positions, projected_tasks, task_records


@dataclass(frozen=True)
class StoredRecord:
    """One thing that happened to a task, with its place in the order."""

    sequence: int
    type: str
    time_us: int
    ended: bool
    payload: bytes


@dataclass(frozen=True)
class TaskFilter:
    """Which tasks to list; an empty member takes all."""

    state: int = 0
    kind: str = ""
    parent_task: str = ""


class TaskView:
    """What the projection knows."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def get(self, name: str) -> Task | None:
        """Return a task by its full name, None where the projection has not seen it."""
        query = select(projected_tasks.c.task).where(projected_tasks.c.name == name)
        with self._engine.connect() as connection:
            stored = connection.scalar(query)
        return None if stored is None else Task.FromString(stored)

    def find(self, task_id: str) -> Task | None:
        """Return a task by its id in whatever project, the newest if there are more; None where there is none."""
        query = select(projected_tasks.c.task).where(projected_tasks.c.task_id == task_id)
        with self._engine.connect() as connection:
            stored = connection.scalar(query.order_by(projected_tasks.c.create_us.desc()).limit(1))
        return None if stored is None else Task.FromString(stored)

    def page(self, project: str, chosen: TaskFilter, page_size: int, page_token: str) -> tuple[list[Task], str]:
        """Return a page of a project's tasks, newest first, and the next page's token. Raises InvalidArgument."""
        limit = page_limit(page_size)
        table = projected_tasks.c
        query = select(table.task, table.create_us, table.name).where(table.project == project)
        if chosen.state:
            query = query.where(table.state == chosen.state)
        if chosen.kind:
            query = query.where(table.kind == chosen.kind)
        if chosen.parent_task:
            query = query.where(table.parent_task == chosen.parent_task)
        if page_token:
            query = query.where(tuple_(table.create_us, table.name) < tuple_(*_position(page_token)))
        with self._engine.connect() as connection:
            rows = connection.execute(query.order_by(table.create_us.desc(), table.name.desc()).limit(limit + 1)).all()
        tasks = [Task.FromString(row.task) for row in rows[:limit]]
        last = rows[limit - 1] if len(rows) > limit else None
        return tasks, "" if last is None else encode_token(f"{last.create_us} {last.name}")

    def logs(self, name: str, page_size: int, page_token: str) -> tuple[list[LogLine], str]:
        """Return a page of a task's log lines, oldest first, and the next page's token. Raises InvalidArgument."""
        limit = page_limit(page_size, default=500)
        after = position_of(decode_token(page_token)) if page_token else 0
        table = task_records.c
        query = select(table.sequence, table.payload).where(
            table.task == name, table.type == "LOG", table.sequence > after
        )
        with self._engine.connect() as connection:
            rows = connection.execute(query.order_by(table.sequence).limit(limit + 1)).all()
        lines = [LogLine.FromString(row.payload) for row in rows[:limit]]
        return lines, encode_token(str(rows[limit - 1].sequence)) if len(rows) > limit else ""

    def records(self, name: str, after: int, limit: int) -> list[StoredRecord]:
        """Return what happened to a task after a place in the order."""
        table = task_records.c
        query = select(table.sequence, table.type, table.time_us, table.ended, table.payload)
        query = query.where(table.task == name, table.sequence > after).order_by(table.sequence).limit(limit)
        with self._engine.connect() as connection:
            return [StoredRecord(**row._mapping) for row in connection.execute(query)]

    def end(self, name: str) -> StoredRecord | None:
        """Return the record of a task's end; None while it has not ended."""
        table = task_records.c
        query = select(table.sequence, table.type, table.time_us, table.ended, table.payload)
        with self._engine.connect() as connection:
            row = connection.execute(query.where(table.task == name, table.ended).limit(1)).one_or_none()
        return None if row is None else StoredRecord(**row._mapping)

    def has_consumed(self, topic: str, position: Position) -> bool:
        """Return whether a topic is in the projection up to this place."""
        table = consumed_positions.c
        query = select(table.event_offset).where(table.topic == topic, table.partition == position.partition)
        with self._engine.connect() as connection:
            return (connection.scalar(query) or 0) >= position.offset


def _position(page_token: str) -> tuple[int, str]:
    created, _, name = decode_token(page_token).partition(" ")
    return position_of(created), name
