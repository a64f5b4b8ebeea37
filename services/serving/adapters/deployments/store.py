"""Deployments in SQL, with an outbox: the event of a change is stored in the change's own transaction."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError

from fairlead.api.events.v1 import events_pb2
from fairlead.kit.database import insert_new
from fairlead.kit.errors import Aborted, AlreadyExists, NotFound

from ...convert import to_deployment
from ...domain.traffic.catalog import Status
from ...domain.traffic.deployment import Deployment, State
from ...domain.traffic.following import Changes
from ..log.outbox import Outbox
from ..tables import deployment_revision, deployment_targets, deployments
from .rows import own_row, read_deployments, select_deployments, target_rows

_NAMES = sa.select(deployments.c.project, deployments.c.id)
_NUMBER = sa.select(deployment_revision.c.number).where(deployment_revision.c.id == 1)


class SqlDeploymentReader:
    """Reads deployments; implements the domain's Feed."""

    def __init__(self, engine: sa.Engine) -> None:
        self._engine = engine

    def get(self, project: str, deployment: str) -> Deployment:
        """Return one. Raises NotFound."""
        found = self._found(_NAMES.where(deployments.c.project == project, deployments.c.id == deployment))
        if not found:
            raise _absent(f"projects/{project}/deployments/{deployment}")
        return found[0]

    def page(self, project: str, limit: int, after: str) -> list[Deployment]:
        """Return a project's deployments by id, those after the given id."""
        chosen = _NAMES.where(deployments.c.project == project, deployments.c.id > after)
        return self._found(chosen.order_by(deployments.c.id).limit(limit))

    def all(self) -> list[Deployment]:
        """Return every deployment, by project and id."""
        return self._found(_NAMES)

    def changes_since(self, revision: int) -> Changes | None:
        """Return what changed after a revision; everything where revisions began again, as a backup makes them."""
        with self._engine.connect() as connection:
            # First: what changes while the rest is read is told again next time.
            number = connection.execute(_NUMBER).scalar_one_or_none() or 0
            if number == revision:
                return None
            chosen = _NAMES.where(deployments.c.revision > revision) if number > revision else _NAMES
            changed = tuple(read_deployments(connection.execute(select_deployments(chosen.subquery()))))
            names = frozenset(f"projects/{row.project}/deployments/{row.id}" for row in connection.execute(_NAMES))
        return Changes(number, changed, names)

    def _found(self, chosen: sa.Select[Any]) -> list[Deployment]:
        with self._engine.connect() as connection:
            return list(read_deployments(connection.execute(select_deployments(chosen.subquery()))))


class SqlDeploymentStore(SqlDeploymentReader):
    """Implements the domain's DeploymentStore."""

    def __init__(self, engine: sa.Engine, outbox: Outbox) -> None:
        super().__init__(engine)
        self._outbox = outbox

    def insert(self, deployment: Deployment) -> Deployment:
        """Keep a new one and return it with its revision. Raises AlreadyExists."""
        try:
            with self._engine.begin() as connection:
                deployment = replace(deployment, revision=_next_revision(connection))
                connection.execute(sa.insert(deployments).values(own_row(deployment)))
                connection.execute(sa.insert(deployment_targets), target_rows(deployment))
                self._outbox.add(connection, deployment.name, _changed(deployment))
        except IntegrityError as error:
            raise AlreadyExists(f"'{deployment.name}' exists already", resource=deployment.name) from error
        self._outbox.publish()
        return deployment

    def update(self, deployment: Deployment, expected_etag: str) -> Deployment:
        """Keep a changed one and return it with its revision.

        Raises NotFound, or Aborted where its etag is another by now.
        """
        where = _is(deployment) & (deployments.c.etag == expected_etag)
        with self._engine.begin() as connection:
            deployment = replace(deployment, revision=_next_revision(connection))
            if connection.execute(sa.update(deployments).where(where).values(own_row(deployment))).rowcount == 0:
                if connection.execute(sa.select(deployments.c.id).where(_is(deployment))).first() is None:
                    raise _absent(deployment.name)
                raise Aborted(
                    f"'{deployment.name}' was changed meanwhile; get it again and repeat", resource=deployment.name
                )
            connection.execute(_delete_targets(deployment))
            connection.execute(sa.insert(deployment_targets), target_rows(deployment))
            self._outbox.add(connection, deployment.name, _changed(deployment))
        self._outbox.publish()
        return deployment

    def delete(self, deployment: Deployment) -> None:
        """Forget one. Raises NotFound."""
        with self._engine.begin() as connection:
            _next_revision(connection)
            if connection.execute(sa.delete(deployments).where(_is(deployment))).rowcount == 0:
                raise _absent(deployment.name)
            connection.execute(_delete_targets(deployment))
            self._outbox.add(connection, deployment.name, _changed(deployment, deleted=True))
        self._outbox.publish()


def _next_revision(connection: sa.Connection) -> int:
    """Return the next number. Its row stays locked until the commit, so changes are seen in order of their numbers."""
    # Made with the first change: a database that was only started with is empty, as a restored backup needs it.
    insert_new(connection, deployment_revision, {"id": 1, "number": 0})
    number = deployment_revision.c.number
    connection.execute(sa.update(deployment_revision).where(deployment_revision.c.id == 1).values(number=number + 1))
    return int(connection.execute(_NUMBER).scalar_one())


def _is(deployment: Deployment) -> sa.ColumnElement[bool]:
    return (deployments.c.project == deployment.project) & (deployments.c.id == deployment.id)


def _delete_targets(deployment: Deployment) -> sa.Delete:
    targets = deployment_targets.c
    return sa.delete(deployment_targets).where(
        targets.project == deployment.project, targets.deployment == deployment.id
    )


def _changed(deployment: Deployment, *, deleted: bool = False) -> events_pb2.DeploymentChanged:
    # A version is loaded before it is kept, so what is published answers.
    return events_pb2.DeploymentChanged(deployment=to_deployment(deployment, Status(State.READY)), deleted=deleted)


def _absent(name: str) -> NotFound:
    return NotFound(f"there is no deployment '{name}'", resource=name)
