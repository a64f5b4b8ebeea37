"""Restoring a backup into an empty Fairlead, of the same back ends or of others."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from fairlead.admin import events as topics
from fairlead.admin.backup import blobs, journal, waiting
from fairlead.admin.backup.artifacts import FOLDER as ARTIFACTS
from fairlead.admin.backup.artifacts import NewRoot, open_artifacts
from fairlead.admin.backup.emptiness import require_empty
from fairlead.admin.backup.errors import BEGIN_AGAIN
from fairlead.admin.backup.events import EventStore
from fairlead.admin.backup.events_open import open_events
from fairlead.admin.backup.events_restore import is_same_log, restore_events
from fairlead.admin.backup.failures import told
from fairlead.admin.backup.load import keep, restore_database
from fairlead.admin.backup.manifest import GroupPosition, Manifest
from fairlead.admin.backup.marks import Mark, Marks
from fairlead.admin.backup.positions import finish_of, unchanged
from fairlead.admin.backup.progress import Progress, Say
from fairlead.admin.backup.settings import BackupSettings
from fairlead.admin.backup.verify import verify
from fairlead.kit import backends
from fairlead.kit.errors import FailedPrecondition
from fairlead.kit.full_disk import room_needed
from fairlead.up import home as homes


def restore(settings: BackupSettings, root: Path, say: Say) -> Manifest:
    """Put a backup into the empty databases, blob store and event log of the settings, and return its manifest.

    Every file is checked before anything is written. A restore that dies can be begun again on what it left. Raises
    Damaged, NotEmpty, FailedPrecondition where Fairlead runs there or the backup is of a newer one, Unavailable.
    """
    manifest = verify(root)
    say(f"checked {len(manifest.files):,} files of the backup of {manifest.finished}")
    settings.home.mkdir(parents=True, exist_ok=True, mode=0o700)
    with room_needed(settings.home, BEGIN_AGAIN), told(), _stopped(settings.home), _opened(settings) as (store, marks):
        _begin(settings, store, marks, manifest)
        _restore_files(settings, root, manifest, say)
        positions = restore_events(store, manifest.events, root, say)
        waiting.copy_in(store, root, manifest.waiting)
        _restore_databases(settings, root, manifest, positions, say)
        journal.copy_in(root, manifest.journal, settings.journal)
        marks.remove()
    return manifest


@contextmanager
def _stopped(home: Path) -> Iterator[None]:
    lock = homes.lock(home)
    if lock is None:
        raise FailedPrecondition(f"Fairlead runs with home {home}; stop it, or restore into another --home")
    try:
        yield
    finally:
        lock.close()


@contextmanager
def _opened(settings: BackupSettings) -> Iterator[tuple[EventStore, Marks]]:
    store = open_events(settings)
    try:
        marks = Marks(settings.home, settings.shared_database)
        try:
            yield store, marks
        finally:
            marks.close()
    finally:
        store.close()


def _begin(settings: BackupSettings, store: EventStore, marks: Marks, manifest: Manifest) -> None:
    """Make sure that the target is ours to fill, and mark it."""
    if busy := store.busy_groups():
        raise FailedPrecondition(f"services of Fairlead are running: {', '.join(busy)} consume events; stop them all")
    mark = marks.find()
    if mark is None:
        require_empty(settings, store, manifest.events)
    elif mark.backup != manifest.id:
        raise FailedPrecondition(
            f"a restore of another backup ({mark.backup}) began here at {mark.started} and did not end; restore that "
            "one, or empty the target"
        )
    marks.put(mark or Mark(manifest.id, datetime.now(UTC).isoformat(timespec="seconds")))
    # Not before: this changes the retention of topics that are there.
    topics.setup(settings)
    store.look_again()
    _clear_events(store, manifest)


def _clear_events(store: EventStore, manifest: Manifest) -> None:
    """Remove what an earlier attempt published, and positions in empty topics; everything else is written over."""
    there = store.topics()
    for topic in manifest.events.topics:
        if topic.name in there and not is_same_log(store, manifest.events, topic):
            store.clear(topic.name)


def _restore_files(settings: BackupSettings, root: Path, manifest: Manifest, say: Say) -> None:
    blobs.copy_in(backends.blob_store(settings), root, manifest.files, say)
    say(f"blobs: {manifest.blobs.blobs:,} blobs and {manifest.blobs.folders:,} folders")
    artifacts, progress = open_artifacts(settings.trainer_mlflow_artifacts, settings), Progress("artifacts", say)
    prefix = f"{ARTIFACTS}/"
    for file in manifest.files:
        if file.path.startswith(prefix):
            artifacts.write(file.path.removeprefix(prefix), root / file.path)
            progress.add(file.size)
    say(f"artifacts: {manifest.artifacts.files:,} files of MLflow's")


def _restore_databases(
    settings: BackupSettings, root: Path, manifest: Manifest, positions: Sequence[GroupPosition], say: Say
) -> None:
    databases = {database.name: database for database in settings.databases}
    renumbered = set(positions) != set(manifest.events.groups)
    to_new_root = NewRoot(manifest.artifacts.root, settings.trainer_mlflow_artifacts)
    for dump in manifest.databases:
        edit = to_new_root if dump.name == "mlflow" else keep
        finish = finish_of(dump.name, positions) if renumbered else unchanged
        restore_database(databases[dump.name], dump, root, edit, finish)
        say(f"{dump.name}: {dump.rows:,} rows of {len(dump.tables)} tables")
