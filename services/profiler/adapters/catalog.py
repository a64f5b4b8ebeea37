"""Which datasets, versions and profiles there are."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy import Connection, Engine, insert, select, update
from sqlalchemy.exc import IntegrityError

from fairlead.kit.database import UtcDateTime, upsert
from fairlead.kit.errors import NotFound, Unavailable

MIGRATIONS = Path(__file__).parent / "migrations"
# Two imports of one dataset may want the same version number: the later one takes the next.
_TRIES = 5

MessageOf = Callable[[int], bytes]

_METADATA = sa.MetaData()
_DATASETS = sa.Table(
    "datasets", _METADATA,
    sa.Column("project", sa.String, primary_key=True), sa.Column("dataset", sa.String, primary_key=True),
    sa.Column("latest_version", sa.Integer), sa.Column("create_time", UtcDateTime), sa.Column("deleted", sa.Boolean),
)  # fmt: skip
_VERSIONS = sa.Table(
    "dataset_versions", _METADATA,
    sa.Column("project", sa.String, primary_key=True), sa.Column("dataset", sa.String, primary_key=True),
    sa.Column("version", sa.Integer, primary_key=True), sa.Column("content_sha256", sa.String),
    sa.Column("sheet", sa.String), sa.Column("message", sa.LargeBinary), sa.Column("deleted", sa.Boolean),
)  # fmt: skip
_PROFILES = sa.Table(
    "profiles", _METADATA,
    sa.Column("project", sa.String, primary_key=True), sa.Column("dataset", sa.String, primary_key=True),
    sa.Column("version", sa.Integer, primary_key=True), sa.Column("message", sa.LargeBinary),
)  # fmt: skip


@dataclass(frozen=True)
class DatasetKey:
    """Names a dataset."""

    project: str
    dataset: str

    @property
    def name(self) -> str:
        """The resource name."""
        return f"projects/{self.project}/datasets/{self.dataset}"


@dataclass(frozen=True)
class DatasetRow:
    """A dataset as kept."""

    key: DatasetKey
    latest_version: int
    create_time: datetime


@dataclass(frozen=True)
class VersionRow:
    """A version as kept; the message is the serialized DatasetVersion."""

    version: int
    content_sha256: str
    message: bytes


class Catalog:
    """Datasets, versions and profiles in the profiler's database.

    Version numbers are never used twice, also after a dataset was deleted and made anew.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def dataset(self, key: DatasetKey) -> DatasetRow:
        """Return a dataset. Raises NotFound."""
        with self._engine.connect() as connection:
            row = connection.execute(select(_DATASETS).where(_of(_DATASETS, key), ~_DATASETS.c.deleted)).first()
        if row is None:
            raise NotFound(
                f"there is no dataset '{key.dataset}' in project '{key.project}'; list datasets or upload a file",
                resource=key.name,
            )
        return DatasetRow(key, row.latest_version, row.create_time)

    def datasets(self, project: str, after: str, limit: int) -> list[DatasetRow]:
        """Return a project's datasets by name, those after a name."""
        query = (
            select(_DATASETS)
            .where(_DATASETS.c.project == project, _DATASETS.c.dataset > after, ~_DATASETS.c.deleted)
            .order_by(_DATASETS.c.dataset)
            .limit(limit)
        )
        with self._engine.connect() as connection:
            rows = connection.execute(query).all()
        return [DatasetRow(DatasetKey(project, row.dataset), row.latest_version, row.create_time) for row in rows]

    def delete(self, key: DatasetKey) -> None:
        """Remove a dataset with its versions and profiles from what is listed. Raises NotFound."""
        self.dataset(key)
        with self._engine.begin() as connection:
            # First, and by itself: whoever adds a version at the same time waits for the end, or is waited for.
            connection.execute(update(_DATASETS).where(_of(_DATASETS, key)).values(deleted=True))
            connection.execute(update(_VERSIONS).where(_of(_VERSIONS, key)).values(deleted=True))
            connection.execute(_PROFILES.delete().where(_of(_PROFILES, key)))

    def version(self, key: DatasetKey, version: int) -> VersionRow:
        """Return a version; 0 is the newest. Raises NotFound."""
        number = version or self.dataset(key).latest_version
        query = select(_VERSIONS).where(_of(_VERSIONS, key), _VERSIONS.c.version == number, ~_VERSIONS.c.deleted)
        with self._engine.connect() as connection:
            row = connection.execute(query).first()
        if row is None:
            raise NotFound(
                f"dataset '{key.dataset}' has no version {number}; list its versions, or ask for 'latest'",
                resource=f"{key.name}/versions/{number}",
            )
        return _version(row)

    def versions(self, key: DatasetKey, before: int, limit: int) -> list[VersionRow]:
        """Return a dataset's versions, newest first, those before a number (0: from the newest). Raises NotFound."""
        self.dataset(key)
        query = select(_VERSIONS).where(_of(_VERSIONS, key), ~_VERSIONS.c.deleted)
        if before:
            query = query.where(_VERSIONS.c.version < before)
        with self._engine.connect() as connection:
            rows = connection.execute(query.order_by(_VERSIONS.c.version.desc()).limit(limit)).all()
        return [_version(row) for row in rows]

    def same_content(self, key: DatasetKey, sha256: str, sheet: str) -> VersionRow | None:
        """Return the newest version if it was made of the same bytes and sheet."""
        with self._engine.connect() as connection:
            row = _newest(connection, key)
        return _version(row) if row is not None and _made_of(row, sha256, sheet) else None

    def add_version(self, key: DatasetKey, sha256: str, sheet: str, message_of: MessageOf) -> VersionRow:
        """Add the next version, made by message_of(number), and return it; the dataset is made where there is none.

        Where the newest version has the same content by now, that one is returned instead.
        """
        for _ in range(_TRIES):
            try:
                with self._engine.begin() as connection:
                    dataset = _locked(connection, key)
                    newest = _newest(connection, key)
                    if newest is not None and _made_of(newest, sha256, sheet):
                        return _version(newest)
                    number = self._next(connection, key, dataset)
                    message = message_of(number)
                    connection.execute(
                        insert(_VERSIONS).values(
                            project=key.project, dataset=key.dataset, version=number, content_sha256=sha256,
                            sheet=sheet, message=message, deleted=False,
                        )
                    )  # fmt: skip
                return VersionRow(number, sha256, message)
            except IntegrityError:
                # Another process made the dataset itself in this moment: there is a row to lock now.
                continue
        raise Unavailable(f"dataset '{key.dataset}' is being imported by others too; try again", retry_after=1.0)

    def _next(self, connection: Connection, key: DatasetKey, row: sa.Row[Any] | None) -> int:
        if row is None:
            connection.execute(
                insert(_DATASETS).values(
                    project=key.project, dataset=key.dataset, latest_version=1, create_time=datetime.now(UTC),
                    deleted=False,
                )
            )  # fmt: skip
            return 1
        number = int(row.latest_version) + 1
        fresh = {"create_time": datetime.now(UTC)} if row.deleted else {}
        connection.execute(
            update(_DATASETS).where(_of(_DATASETS, key)).values(latest_version=number, deleted=False, **fresh)
        )
        return number

    def save_profile(self, key: DatasetKey, version: int, message: bytes) -> None:
        """Keep a version's profile in place of an earlier one."""
        with self._engine.begin() as connection:
            values = {"project": key.project, "dataset": key.dataset, "version": version, "message": message}
            upsert(connection, _PROFILES, values)

    def profile(self, key: DatasetKey, version: int) -> bytes:
        """Return a version's newest profile, serialized. Raises NotFound."""
        query = select(_PROFILES.c.message).where(_of(_PROFILES, key), _PROFILES.c.version == version)
        with self._engine.connect() as connection:
            message = connection.scalar(query)
        if message is None:
            raise NotFound(
                f"version {version} of dataset '{key.dataset}' has no profile yet; create one",
                resource=f"{key.name}/versions/{version}/profile",
            )
        return bytes(message)


def _of(table: sa.Table, key: DatasetKey) -> sa.ColumnElement[bool]:
    return sa.and_(table.c.project == key.project, table.c.dataset == key.dataset)


def _locked(connection: Connection, key: DatasetKey) -> sa.Row[Any] | None:
    """Return the dataset's row, which nobody else adds a version to, or deletes, until the transaction ends."""
    return connection.execute(select(_DATASETS).where(_of(_DATASETS, key)).with_for_update()).first()


def _newest(connection: Connection, key: DatasetKey) -> sa.Row[Any] | None:
    query = select(_VERSIONS).where(_of(_VERSIONS, key), ~_VERSIONS.c.deleted)
    return connection.execute(query.order_by(_VERSIONS.c.version.desc()).limit(1)).first()


def _made_of(row: sa.Row[Any], sha256: str, sheet: str) -> bool:
    return (row.content_sha256, row.sheet) == (sha256, sheet)


def _version(row: sa.Row[Any]) -> VersionRow:
    return VersionRow(row.version, row.content_sha256, row.message)
