"""Deployments in SQL, with an outbox: the event of a change is stored in the change's own transaction."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError

from fairlead.api.events.v1 import events_pb2
from fairlead.kit.errors import Aborted, AlreadyExists, NotFound

from ..convert import to_deployment
from ..domain.catalog import Status
from ..domain.deployment import Deployment, State
from .outbox import Outbox
from .tables import deployments

_COLUMNS = ("project", "id", "model_version", "package_blob", "etag", "create_time", "update_time")


class SqlDeploymentReader:
    """Reads deployments."""

    def __init__(self, engine: sa.Engine) -> None:
        self._engine = engine

    def get(self, project: str, deployment: str) -> Deployment:
        """Return one. Raises NotFound."""
        query = sa.select(deployments).where(deployments.c.project == project, deployments.c.id == deployment)
        with self._engine.connect() as connection:
            row = connection.execute(query).one_or_none()
        if row is None:
            raise _absent(f"projects/{project}/deployments/{deployment}")
        return _deployment(row)

    def page(self, project: str, limit: int, after: str) -> list[Deployment]:
        """Return a project's deployments by id, those after the given id."""
        query = sa.select(deployments).where(deployments.c.project == project, deployments.c.id > after)
        return self._all(query.order_by(deployments.c.id).limit(limit))

    def all(self) -> list[Deployment]:
        """Return every deployment, those that changed last first."""
        return self._all(sa.select(deployments).order_by(deployments.c.update_time.desc()))

    def _all(self, query: sa.Select[Any]) -> list[Deployment]:
        with self._engine.connect() as connection:
            return [_deployment(row) for row in connection.execute(query)]


class SqlDeploymentStore(SqlDeploymentReader):
    """Implements the domain's DeploymentStore."""

    def __init__(self, engine: sa.Engine, outbox: Outbox) -> None:
        super().__init__(engine)
        self._outbox = outbox

    def insert(self, deployment: Deployment) -> None:
        """Keep a new one. Raises AlreadyExists."""
        values = {column: getattr(deployment, column) for column in _COLUMNS}
        try:
            with self._engine.begin() as connection:
                connection.execute(sa.insert(deployments).values(values))
                self._outbox.add(connection, deployment.name, _changed(deployment))
        except IntegrityError as error:
            raise AlreadyExists(f"'{deployment.name}' exists already", resource=deployment.name) from error
        self._outbox.publish()

    def update(self, deployment: Deployment, expected_etag: str) -> None:
        """Keep a changed one. Raises NotFound, or Aborted where its etag is another by now."""
        values = {column: getattr(deployment, column) for column in _COLUMNS}
        where = _is(deployment) & (deployments.c.etag == expected_etag)
        with self._engine.begin() as connection:
            if connection.execute(sa.update(deployments).where(where).values(values)).rowcount == 0:
                if connection.execute(sa.select(deployments.c.id).where(_is(deployment))).first() is None:
                    raise _absent(deployment.name)
                raise Aborted(
                    f"'{deployment.name}' was changed meanwhile; get it again and repeat", resource=deployment.name
                )
            self._outbox.add(connection, deployment.name, _changed(deployment))
        self._outbox.publish()

    def delete(self, deployment: Deployment) -> None:
        """Forget one. Raises NotFound."""
        with self._engine.begin() as connection:
            if connection.execute(sa.delete(deployments).where(_is(deployment))).rowcount == 0:
                raise _absent(deployment.name)
            self._outbox.add(connection, deployment.name, _changed(deployment, deleted=True))
        self._outbox.publish()


def _is(deployment: Deployment) -> sa.ColumnElement[bool]:
    return (deployments.c.project == deployment.project) & (deployments.c.id == deployment.id)


def _deployment(row: sa.Row[Any]) -> Deployment:
    return Deployment(**{column: getattr(row, column) for column in _COLUMNS})


def _changed(deployment: Deployment, *, deleted: bool = False) -> events_pb2.DeploymentChanged:
    # A version is loaded before it is kept, so what is published answers.
    return events_pb2.DeploymentChanged(deployment=to_deployment(deployment, Status(State.READY)), deleted=deleted)


def _absent(name: str) -> NotFound:
    return NotFound(f"there is no deployment '{name}'", resource=name)
