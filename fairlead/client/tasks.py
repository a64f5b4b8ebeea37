"""Tasks: look, wait, follow, cancel."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx

from fairlead.client.errors import ApiError, TaskFailed
from fairlead.client.names import id_of
from fairlead.client.transport import Items, Json, Transport

ENDED = frozenset({"succeeded", "failed", "cancelled"})


class Tasks:
    """The tasks of one project."""

    def __init__(self, transport: Transport, project: str, reconnect_seconds: float) -> None:
        self._transport = transport
        self._reconnect_seconds = reconnect_seconds
        self._path = f"/projects/{project}/tasks"

    def list(self, limit: int | None = 50, state: str | None = None, kind: str | None = None) -> Items:
        """Return tasks, newest first."""
        filters = {key: value for key, value in (("state", state), ("kind", kind)) if value}
        return [*self._transport.items(self._path, limit, **filters)]

    def get(self, task: str) -> Json:
        """Return one task. Raises ApiError (NOT_FOUND)."""
        return self._transport.call("GET", f"{self._path}/{id_of(task)}")

    def logs(self, task: str) -> Items:
        """Return the log lines that a task has printed so far."""
        return [*self._transport.items(f"{self._path}/{id_of(task)}/logs")]

    def logs_text(self, task: str) -> str:
        """Return the log as text, one line an event."""
        return self._transport.text(f"{self._path}/{id_of(task)}/logs", format="text")

    def cancel(self, task: str) -> Json:
        """Stop a task and return it; an ended one is returned as it is."""
        return self._transport.call("POST", f"{self._path}/{id_of(task)}:cancel")

    def follow(self, task: str) -> Iterator[Json]:
        """Yield everything that happened and happens to a task until it ends.

        Messages have a type of TASK, LOG, STAGE_STATUS or TRAIN_PROGRESS. A lost connection is taken up again
        where it broke. Raises ApiError, and httpx.HTTPError where the gateway stays away.
        """
        after, lost_at = 0, 0.0
        while True:
            try:
                for message in self._transport.events(f"{self._path}/{id_of(task)}/events", after):
                    after, lost_at = max(after, int(message["offset"])), 0.0
                    yield message
                    if message["type"] == "TASK" and message["task"]["state"] in ENDED:
                        return
            except httpx.HTTPError:
                lost_at = lost_at or time.monotonic()
                if time.monotonic() - lost_at > self._reconnect_seconds:
                    raise
            except ApiError as error:
                lost_at = lost_at or time.monotonic()
                if error.status < 500 or time.monotonic() - lost_at > self._reconnect_seconds:
                    raise
            time.sleep(0.3)

    def wait(self, task: str, on_message: Callable[[Json], None] | None = None) -> Json:
        """Return the task once it has succeeded. Raises TaskFailed, ApiError."""
        last: Json = {}
        for message in self.follow(task):
            if on_message is not None:
                on_message(message)
            last = message["task"] if message["type"] == "TASK" else last
        if last["state"] != "succeeded":
            raise TaskFailed(last)
        return last

    def download_result(self, task: str, destination: str | Path, file: str | None = None) -> int:
        """Save the file that a batch prediction made and return its bytes; file="rejected" is what it left out."""
        return self._transport.download(f"{self._path}/{id_of(task)}/result", Path(destination), file=file)

    def download_link(self, task: str, seconds: int | None = None) -> Json:
        """Return a link (url, method, headers, expire_time) to the file that a task made.

        Whoever has it may download that file until it expires. Raises ApiError (FAILED_PRECONDITION where blobs are
        kept in a local folder, or the task made no file).
        """
        return self._transport.call("POST", f"{self._path}/{id_of(task)}:downloadLink", params={"seconds": seconds})
