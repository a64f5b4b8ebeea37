"""What is kept of each model version that a deployment served: its reference, its watch, its performance."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Connection, insert, select, update

from fairlead.api.drift.v1 import reference_pb2

from ..domain.performance import Performance
from ..domain.reference import Reference
from ..domain.watch import Watch, new_watch
from .reference_reader import read_reference
from .state_json import dump_performance, dump_watch, load_performance, load_watch
from .tables import VERSIONS


@dataclass(frozen=True)
class Version:
    """One model version behind one deployment; without a reference nothing is watched."""

    deployment: str
    model_version: str
    reference: Reference | None
    watch: Watch | None
    performance: Performance | None = None


class VersionStore:
    """Versions in the database; their references, which never change, are parsed once."""

    def __init__(self) -> None:
        self._references: dict[tuple[str, str], tuple[bytes, Reference | None]] = {}

    def known(self, connection: Connection, deployment: str, model_version: str) -> bool:
        """Return whether the version is kept."""
        query = select(VERSIONS.c.deployment).where(
            VERSIONS.c.deployment == deployment, VERSIONS.c.model_version == model_version
        )
        return connection.execute(query).first() is not None

    def has_reference(self, connection: Connection, deployment: str, model_version: str) -> bool:
        """Return whether the version is kept with a reference."""
        query = select(VERSIONS.c.reference).where(
            VERSIONS.c.deployment == deployment, VERSIONS.c.model_version == model_version
        )
        return bool(connection.execute(query).scalar_one_or_none())

    def add(
        self, connection: Connection, deployment: str, model_version: str, message: reference_pb2.Reference | None
    ) -> None:
        """Keep a new version, or one that had no reference until now with its own.

        Raises InvalidArgument for a reference that makes no sense.
        """
        reference = read_reference(message) if message else None
        watched = {
            "reference": message.SerializeToString() if message else b"",
            "watch": dump_watch(new_watch(reference)) if reference else "",
            "open_window_rows": 0,
        }
        if self.known(connection, deployment, model_version):
            same = (VERSIONS.c.deployment == deployment) & (VERSIONS.c.model_version == model_version)
            connection.execute(update(VERSIONS).where(same).values(watched))
            return
        named = {"deployment": deployment, "model_version": model_version, "performance": ""}
        connection.execute(insert(VERSIONS).values(named | watched))

    def find(self, connection: Connection, deployment: str, model_version: str) -> Version | None:
        """Return the version, or None where it is not kept."""
        query = select(VERSIONS).where(VERSIONS.c.deployment == deployment, VERSIONS.c.model_version == model_version)
        row = connection.execute(query).one_or_none()
        if row is None:
            return None
        reference = self._parsed(deployment, model_version, row.reference)
        watch = load_watch(row.watch) if row.watch else None
        return Version(deployment, model_version, reference, watch, load_performance(row.performance))

    def save(self, connection: Connection, version: Version) -> None:
        """Keep a version's changed watch and performance."""
        connection.execute(
            update(VERSIONS)
            .where(VERSIONS.c.deployment == version.deployment, VERSIONS.c.model_version == version.model_version)
            .values(
                watch=dump_watch(version.watch) if version.watch else "",
                open_window_rows=version.watch.window.rows if version.watch else 0,
                performance=dump_performance(version.performance),
            )
        )

    def _parsed(self, deployment: str, model_version: str, data: bytes) -> Reference | None:
        key = deployment, model_version
        if key not in self._references or self._references[key][0] != data:
            reference = read_reference(reference_pb2.Reference.FromString(data)) if data else None
            self._references[key] = data, reference
        return self._references[key][1]
