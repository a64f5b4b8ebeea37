"""The stream of a task, from a real projection."""

from __future__ import annotations

import asyncio
from pathlib import Path

from sqlalchemy import insert

from fairlead.api.tasks.v1.task_pb2 import LogLine, Task, TaskState
from fairlead.kit.database import migrate, open_database
from fairlead.kit.events import open_event_log
from services.gateway.adapters.changes import TaskChanges
from services.gateway.adapters.schema import MIGRATIONS, task_records
from services.gateway.adapters.task_stream import PAGE, TaskStream
from services.gateway.adapters.task_view import StoredRecord, TaskView

NAME = "projects/default/tasks/t"


def test_every_line_that_comes_late_is_told_before_the_end(tmp_path: Path, database_url: str) -> None:
    engine = open_database(database_url, "gateway")
    migrate(engine, MIGRATIONS)
    events = open_event_log(f"sqlite:///{tmp_path}/events.db", source="trainer")
    late = 2 * PAGE + 1
    lines = [LogLine(message=f"line {number}") for number in range(late)]
    task = Task(name=NAME, state=TaskState.TASK_STATE_SUCCEEDED)
    end = StoredRecord(1, "TASK", 0, True, task.SerializeToString())
    with engine.begin() as connection:
        for number, line in enumerate(lines):
            row = {"sequence": number + 2, "task": NAME, "type": "LOG", "event_id": str(number), "time_us": 0}
            connection.execute(insert(task_records).values(**row, ended=False, payload=line.SerializeToString()))
    stream = TaskStream(TaskView(engine), TaskChanges(), events, heartbeat=1.0)

    async def rest() -> list[str]:
        return [message["type"] async for message in stream._finish(NAME, end, after=1)]

    told = asyncio.run(rest())
    events.close()

    assert told == ["LOG"] * late + ["TASK"]
