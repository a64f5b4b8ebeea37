"""What a backup says of itself: manifest.json, which is written last, so that a folder without one is unfinished."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from fairlead.admin.backup.errors import Damaged
from fairlead.admin.backup.files import BackupFile, owners_only
from fairlead.kit.errors import FailedPrecondition

FORMAT = 1
NAME = "manifest.json"


@dataclass(frozen=True)
class TableDump:
    """A table: its columns in the order of each row's values, how many rows, and the file that holds them."""

    name: str
    columns: tuple[str, ...]
    rows: int
    file: str


@dataclass(frozen=True)
class DatabaseDump:
    """A database as it was: its kind of SQL, its migrations' revisions, and the counters of its tables by column."""

    name: str
    dialect: str
    revisions: tuple[str, ...]
    tables: tuple[TableDump, ...]
    counters: Mapping[str, int]

    @property
    def rows(self) -> int:
        """Return the rows of all tables."""
        return sum(table.rows for table in self.tables)


@dataclass(frozen=True)
class GroupPosition:
    """How far a consumer group was in a partition: the offset of the newest event that it had done."""

    group: str
    topic: str
    partition: int
    offset: int


@dataclass(frozen=True)
class TopicDump:
    """A topic: its id in the cluster, each partition's newest offset, its events' file ("" where left out)."""

    name: str
    id: str
    ends: Mapping[str, int]
    events: int
    file: str


@dataclass(frozen=True)
class WaitingDump:
    """Events that waited on a service's local disk for Kafka."""

    file: str
    events: int


@dataclass(frozen=True)
class EventsDump:
    """The event log: of which kind, its cluster's id ("" for the embedded one), its topics and groups."""

    kind: str
    cluster: str
    topics: tuple[TopicDump, ...]
    groups: tuple[GroupPosition, ...]


@dataclass(frozen=True)
class ArtifactsDump:
    """MLflow's artifacts: the root that its database names, and how many files."""

    root: str
    files: int


@dataclass(frozen=True)
class BlobsDump:
    """The blob store: how many blobs and folders; and the blobs that rows name and the store did not have."""

    blobs: int
    folders: int
    missing: tuple[str, ...]


@dataclass(frozen=True)
class Manifest:
    """A whole backup; the times are RFC 3339."""

    id: str
    fairlead: str
    started: str
    finished: str
    databases: tuple[DatabaseDump, ...]
    events: EventsDump
    blobs: BlobsDump
    artifacts: ArtifactsDump
    journal: tuple[str, ...]
    waiting: tuple[WaitingDump, ...]
    files: tuple[BackupFile, ...]

    @property
    def size(self) -> int:
        """Return the bytes of all files."""
        return sum(file.size for file in self.files)

    @property
    def named_files(self) -> set[str]:
        """Return the paths of the files that the parts of the backup name."""
        return {
            *(table.file for database in self.databases for table in database.tables),
            *(topic.file for topic in self.events.topics if topic.file),
            *(each.file for each in self.waiting),
            *(f"journal/{name}" for name in self.journal),
        }


def write(root: Path, manifest: Manifest) -> None:
    """Finish a backup: all of the manifest appears, or none."""
    content = asdict(manifest)
    draft = root / f"{NAME}.part"
    with open(draft, "w", encoding="utf-8", opener=owners_only) as file:
        json.dump({"format": FORMAT, "sha256": _digest(content), **content}, file, indent=1)
        file.flush()
        os.fsync(file.fileno())
    draft.replace(root / NAME)
    descriptor = os.open(root, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def read(root: Path) -> Manifest:
    """Return a backup's manifest.

    Raises Damaged where there is none, or it is not as it was written; FailedPrecondition for a newer format.
    """
    try:
        content = json.loads((root / NAME).read_text(encoding="utf-8"))
        version, digest = content.pop("format"), content.pop("sha256")
    except FileNotFoundError as error:
        raise Damaged(_absent(root)) from error
    except (ValueError, KeyError, AttributeError) as error:
        raise Damaged(f"{root / NAME} can't be read ({error}); the backup is damaged") from error
    if version != FORMAT:
        raise FailedPrecondition(
            f"the backup in {root} has format {version} and this Fairlead reads format {FORMAT}; "
            "use the Fairlead that made it, or a newer one"
        )
    if digest != _digest(content):
        raise Damaged(f"{root / NAME} is not as it was written; the backup is damaged")
    return _manifest(content)


def _absent(root: Path) -> str:
    if not root.is_dir():
        return f"there is no folder {root}; name the folder of a backup"
    return f"{root} holds no {NAME}: it is no backup, or one that was never finished"


def _digest(content: Mapping[str, Any]) -> str:
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


def _manifest(content: dict[str, Any]) -> Manifest:
    return Manifest(
        **{key: content[key] for key in ("id", "fairlead", "started", "finished")},
        databases=tuple(_database(item) for item in content["databases"]),
        events=_events(content["events"]),
        blobs=BlobsDump(**{**content["blobs"], "missing": tuple(content["blobs"]["missing"])}),
        artifacts=ArtifactsDump(**content["artifacts"]),
        journal=tuple(content["journal"]),
        waiting=tuple(WaitingDump(**item) for item in content["waiting"]),
        files=tuple(BackupFile(**item) for item in content["files"]),
    )


def _database(content: dict[str, Any]) -> DatabaseDump:
    tables = tuple(TableDump(**{**item, "columns": tuple(item["columns"])}) for item in content["tables"])
    return DatabaseDump(**{**content, "revisions": tuple(content["revisions"]), "tables": tables})


def _events(content: dict[str, Any]) -> EventsDump:
    return EventsDump(
        kind=content["kind"],
        cluster=content["cluster"],
        topics=tuple(TopicDump(**item) for item in content["topics"]),
        groups=tuple(GroupPosition(**item) for item in content["groups"]),
    )
