"""What the trainer knows of its runs without asking MLflow, whose import is slow and large."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC
from typing import Any

import sqlalchemy as sa

from fairlead.api.trainer.v1.run_pb2 import Run
from fairlead.api.trainer.v1.run_service_pb2 import GetLeaderboardResponse
from fairlead.kit.database import insert_new
from fairlead.kit.errors import NotFound
from fairlead.kit.pagination import decode_token, encode_token, page_limit
from fairlead.kit.resources import parse_name

from .schema import runs

RUN_NAME = "projects/{project}/runs/{run}"
PROJECT_NAME = "projects/{project}"
# As MLflow names them, in lower case.
RUNNING, FINISHED, FAILED, KILLED = "running", "finished", "failed", "killed"


@dataclass(frozen=True)
class RunRecord:
    """A run, its leaderboard, and the blob of its fitted winner ("" before it has one)."""

    run: Run
    leaderboard: GetLeaderboardResponse
    winner_blob: str


class RunTable:
    """Runs by name and by task."""

    def __init__(self, engine: sa.Engine) -> None:
        self._engine = engine

    def add(self, run: Run) -> None:
        """Keep a run that has just begun; a run of the same task is left as it is."""
        ids = parse_name(RUN_NAME, run.name)
        row = {
            "id": ids["run"],
            "project": ids["project"],
            "task": run.task,
            "status": run.status,
            "payload": run.SerializeToString(),
            "leaderboard": b"",
            "winner_blob": "",
            "told_mlflow": True,
            "create_time": run.create_time.ToDatetime(tzinfo=UTC),
        }
        with self._engine.begin() as connection:
            insert_new(connection, runs, row)

    def finish(self, record: RunRecord) -> None:
        """Keep what a run came to."""
        self._update(
            record.run,
            leaderboard=record.leaderboard.SerializeToString(),
            winner_blob=record.winner_blob,
            told_mlflow=True,
        )

    def end(self, run: Run, status: str) -> Run:
        """Mark a run that did not finish as failed or killed, to be told to MLflow; one that has ended stays."""
        run.status = status
        run.end_time.GetCurrentTime()
        self._update(run, runs.c.status == RUNNING, told_mlflow=False)
        return run

    def set_model_version(self, run: Run, model_version: str) -> None:
        """Note which model version a run was exported as."""
        run.model_version = model_version
        self._update(run)

    def get(self, name: str) -> RunRecord:
        """Return a run. Raises NotFound, also for one of another project."""
        ids = parse_name(RUN_NAME, name)
        found = self._select(runs.c.id == ids["run"], runs.c.project == ids["project"])
        if not found:
            raise NotFound(f"there is no run '{name}'; list the project's runs to see its names", resource=name)
        return found[0]

    def of_task(self, task: str) -> RunRecord | None:
        """Return the run of a task, if it has begun one."""
        found = self._select(runs.c.task == task)
        return found[0] if found else None

    def running(self, project: str | None = None) -> list[Run]:
        """Return the runs that are said to be running, of one project or of all."""
        conditions = [runs.c.status == RUNNING] + ([runs.c.project == project] if project is not None else [])
        return [record.run for record in self._select(*conditions)]

    def untold(self) -> list[Run]:
        """Return the ended runs that MLflow does not know have ended."""
        return [record.run for record in self._select(runs.c.told_mlflow.is_(False))]

    def mark_told(self, run: Run) -> None:
        """Note that MLflow knows of a run's end."""
        self._update(run, told_mlflow=True)

    def page(self, parent: str, page_size: int, page_token: str) -> tuple[list[Run], str]:
        """Return a page of a project's runs, newest first, and the next page's token, "" at the end."""
        project = parse_name(PROJECT_NAME, parent)["project"]
        limit = page_limit(page_size)
        query = sa.select(runs).where(runs.c.project == project).order_by(runs.c.task.desc()).limit(limit + 1)
        if before := decode_token(page_token):
            query = query.where(runs.c.task < before)
        with self._engine.connect() as connection:
            rows = connection.execute(query).all()
        token = encode_token(rows[limit - 1].task) if len(rows) > limit else ""
        return [Run.FromString(row.payload) for row in rows[:limit]], token

    def _select(self, *conditions: Any) -> list[RunRecord]:
        with self._engine.connect() as connection:
            rows = connection.execute(sa.select(runs).where(*conditions)).all()
        return [
            RunRecord(Run.FromString(row.payload), GetLeaderboardResponse.FromString(row.leaderboard), row.winner_blob)
            for row in rows
        ]

    def _update(self, run: Run, *conditions: Any, **values: Any) -> None:
        run_id = parse_name(RUN_NAME, run.name)["run"]
        change = sa.update(runs).where(runs.c.id == run_id, *conditions)
        with self._engine.begin() as connection:
            connection.execute(change.values(payload=run.SerializeToString(), status=run.status, **values))
