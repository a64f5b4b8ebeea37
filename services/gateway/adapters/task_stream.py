"""What happened and happens to a task, from the projection, until it has ended."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from datetime import UTC, datetime

from fairlead.api.tasks.v1.task_pb2 import Task
from fairlead.kit.errors import Unavailable
from fairlead.kit.events import EventLog, Position, topics
from fairlead.kit.logging import get_logger

from ..convert import Json, instant, timestamp_to_json, to_json
from ..domain.task_states import is_ended
from .changes import TaskChanges
from .projected_events import MESSAGES
from .task_view import StoredRecord, TaskView

PAGE = 500
# Another replica of the gateway may have projected an event, so a follower looks for itself now and then.
LOOK_SECONDS = 2.0
CATCH_UP_SECONDS = 2.0
_log = get_logger("fairlead.gateway.stream")

MEMBERS = {"TASK": "task", "LOG": "log", "STAGE_STATUS": "stage_status", "TRAIN_PROGRESS": "train_progress"}


class TaskStream:
    """Replays the history of tasks, then follows them."""

    def __init__(self, view: TaskView, changes: TaskChanges, events: EventLog, heartbeat: float) -> None:
        self._view = view
        self._changes = changes
        self._events = events
        self._heartbeat = heartbeat

    def is_done(self, name: str, after: int) -> bool:
        """Return True where a caller that has everything up to this offset has the task's end already."""
        end = self._view.end(name)
        return end is not None and end.sequence == after

    async def follow(self, task: Task, after: int) -> AsyncIterator[Json | None]:
        """Yield messages with an offset beyond `after` in order, None as a sign of life after a silence.

        The last message is the TASK that ended; without one, the gateway is stopping.
        """
        end: StoredRecord | None = None
        quiet_since = time.monotonic()
        with self._changes.watch(task.name) as changed:
            while not self._changes.closing:
                changed.clear()
                records = await asyncio.to_thread(self._view.records, task.name, after, PAGE)
                for record in records:
                    after = record.sequence
                    if record.ended:
                        end = record
                    else:
                        quiet_since = time.monotonic()
                        yield message_of(record)
                if len(records) == PAGE:
                    continue
                if end is None:
                    end = await asyncio.to_thread(self._untold_end, task)
                if end is not None:
                    async for message in self._finish(task.name, end, after):
                        yield message
                    return
                if time.monotonic() - quiet_since >= self._heartbeat:
                    quiet_since = time.monotonic()
                    yield None
                await _wait(changed, min(LOOK_SECONDS, self._heartbeat))

    async def _finish(self, name: str, end: StoredRecord, after: int) -> AsyncIterator[Json]:
        """Yield log lines that were published before the end and come late, then the end."""
        give_up = time.monotonic() + CATCH_UP_SECONDS
        end_of_lines = await asyncio.to_thread(self._end_position, topics.LOGS, name)
        while end_of_lines is not None and time.monotonic() < give_up:
            if await asyncio.to_thread(self._view.has_consumed, topics.LOGS, end_of_lines):
                break
            await asyncio.sleep(0.05)
        while records := await asyncio.to_thread(self._view.records, name, after, PAGE):
            for record in records:
                after = record.sequence
                if not record.ended:
                    yield message_of(record)
        yield message_of(end)

    def _untold_end(self, task: Task) -> StoredRecord | None:
        """Return the end of a task that was over when the caller came and whose end is not to be told any more.

        The caller may have heard it before, or the history was pruned.
        """
        if not is_ended(task.state):
            return None
        told = self._view.end(task.name)
        if told is not None:
            return told
        end_of_events = self._end_position(topics.TASKS, task.name)
        if end_of_events is not None and not self._view.has_consumed(topics.TASKS, end_of_events):
            return None
        return StoredRecord(0, "TASK", task.end_time.ToMicroseconds(), True, task.SerializeToString())

    def _end_position(self, topic: str, task: str) -> Position | None:
        """Return the end of where the task's events are; None where the event log is away, and nothing to wait for."""
        try:
            return self._events.end_position(topic, task)
        except Unavailable as error:
            _log.warning("a task's end is told without waiting for its last events", task=task, why=error.message)
            return None


def message_of(record: StoredRecord) -> Json:
    """Return a record as a message of the stream."""
    payload = MESSAGES[record.type].FromString(record.payload)
    moment = datetime.fromtimestamp(record.time_us / 1e6, UTC)
    return {
        "type": record.type,
        "offset": record.sequence,
        "time": timestamp_to_json(instant(moment)),
        MEMBERS[record.type]: to_json(payload),
    }


async def _wait(changed: asyncio.Event, seconds: float) -> None:
    try:
        await asyncio.wait_for(changed.wait(), seconds)
    except TimeoutError:
        return
