"""The workflows as they stand, in SQL."""

from __future__ import annotations

import builtins
from collections.abc import Callable
from pathlib import Path

from sqlalchemy import JSON, Column, Engine, LargeBinary, MetaData, String, Table, select, update

from fairlead.api.conductor.v1.workflow_pb2 import Workflow
from fairlead.kit.database import insert_new
from fairlead.kit.errors import NotFound
from fairlead.kit.pagination import decode_token, encode_token, page_limit
from fairlead.kit.resources import parse_name

MIGRATIONS = Path(__file__).parent / "migrations"
NAME = "projects/{project}/workflows/{workflow}"

_TABLE = Table(
    "workflows",
    MetaData(),
    Column("id", String, primary_key=True),
    Column("project", String),
    Column("workflow", LargeBinary),
    Column("relayed", JSON),
)


class WorkflowRecords:
    """Workflows by name; a change locks its row, so that none is lost."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def add(self, workflow: Workflow) -> None:
        """Store a new workflow; one that is there already stays as it is."""
        ids = parse_name(NAME, workflow.name)
        values = {"id": ids["workflow"], "project": ids["project"], "workflow": workflow.SerializeToString()}
        with self._engine.begin() as connection:
            insert_new(connection, _TABLE, {**values, "relayed": {}})

    def get(self, name: str) -> Workflow:
        """Return a workflow. Raises NotFound."""
        ids = parse_name(NAME, name)
        query = select(_TABLE.c.workflow).where(_TABLE.c.id == ids["workflow"], _TABLE.c.project == ids["project"])
        with self._engine.connect() as connection:
            data = connection.execute(query).scalar_one_or_none()
        if data is None:
            raise _absent(name)
        return Workflow.FromString(data)

    def change(self, name: str, edit: Callable[[Workflow], None]) -> Workflow:
        """Let edit change a workflow, which nobody else changes meanwhile, store and return it. Raises NotFound."""
        ids = parse_name(NAME, name)
        row = (_TABLE.c.id == ids["workflow"]) & (_TABLE.c.project == ids["project"])
        with self._engine.begin() as connection:
            data = connection.execute(select(_TABLE.c.workflow).where(row).with_for_update()).scalar_one_or_none()
            if data is None:
                raise _absent(name)
            workflow = Workflow.FromString(data)
            edit(workflow)
            connection.execute(update(_TABLE).where(row).values(workflow=workflow.SerializeToString()))
        return workflow

    def list(self, project: str, page_size: int, page_token: str) -> tuple[builtins.list[Workflow], str]:
        """Return a page of a project's workflows, newest first, and the next page's token, "" at the end."""
        limit = page_limit(page_size)
        query = select(_TABLE).where(_TABLE.c.project == project).order_by(_TABLE.c.id.desc()).limit(limit + 1)
        if before := decode_token(page_token):
            query = query.where(_TABLE.c.id < before)
        with self._engine.connect() as connection:
            rows = connection.execute(query).all()
        token = encode_token(rows[limit - 1].id) if len(rows) > limit else ""
        return [Workflow.FromString(row.workflow) for row in rows[:limit]], token

    def relayed(self, name: str, task: str) -> tuple[int, int]:
        """Return the offsets up to which a task's events and log lines were passed on to the workflow's."""
        query = select(_TABLE.c.relayed).where(_TABLE.c.id == parse_name(NAME, name)["workflow"])
        with self._engine.connect() as connection:
            events, lines = connection.execute(query).scalar_one().get(task, (0, 0))
        return events, lines

    def set_relayed(self, name: str, task: str, events: int, lines: int) -> None:
        """Store those offsets, where they changed."""
        if self.relayed(name, task) == (events, lines):
            return
        row = _TABLE.c.id == parse_name(NAME, name)["workflow"]
        with self._engine.begin() as connection:
            known = connection.execute(select(_TABLE.c.relayed).where(row).with_for_update()).scalar_one()
            connection.execute(update(_TABLE).where(row).values(relayed={**known, task: [events, lines]}))


def _absent(name: str) -> NotFound:
    return NotFound(f"there is no workflow '{name}'", resource=name)
