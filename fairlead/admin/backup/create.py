"""Making a backup, while Fairlead runs or not.

The order is what makes it whole: positions of consumer groups, all databases at one moment, what waits on local disk,
then the event log and the blobs, which only grow. That is the way an event goes (a row or the journal, a spool, the
log): looked for in the same order, it is found in one of them at least. A row's blob is there, an event that a row says
is published is in a spool or the log, and what a consumer's tables lack comes again.
"""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from contextlib import closing
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from uuid import uuid4

from fairlead.admin.backup import blobs, journal, waiting
from fairlead.admin.backup import manifest as manifests
from fairlead.admin.backup.artifacts import FOLDER as ARTIFACTS
from fairlead.admin.backup.artifacts import open_artifacts
from fairlead.admin.backup.dump import NamedBlobs, dump_database
from fairlead.admin.backup.errors import BEGIN_AGAIN, NotEmpty
from fairlead.admin.backup.events import dump_topics
from fairlead.admin.backup.events_open import open_events
from fairlead.admin.backup.failures import told
from fairlead.admin.backup.files import BackupFolder, sync_folders
from fairlead.admin.backup.manifest import ArtifactsDump, DatabaseDump, Manifest
from fairlead.admin.backup.marks import Marks
from fairlead.admin.backup.progress import Progress, Say
from fairlead.admin.backup.settings import BackupSettings
from fairlead.admin.backup.snapshots import Snapshot, open_snapshots
from fairlead.kit import backends
from fairlead.kit.errors import FailedPrecondition
from fairlead.kit.full_disk import room_needed


def back_up(settings: BackupSettings, root: Path, say: Say, *, with_events: bool = True) -> Manifest:
    """Write a backup into a new or empty folder, and return its manifest; a failure leaves nothing there.

    Raises NotEmpty, ResourceExhausted on a full disk, Unavailable where a database, Kafka or S3 is away, and
    FailedPrecondition where there is nothing to back up.
    """
    with told():
        _require_something(settings)
    existed = _make_root(root)
    try:
        with room_needed(root, BEGIN_AGAIN), told():
            return _write(settings, root, say, with_events)
    except BaseException:
        _remove(root, existed)
        raise


def _write(settings: BackupSettings, root: Path, say: Say, with_events: bool) -> Manifest:
    started = _now()
    folder, named = BackupFolder(root), NamedBlobs()
    store = open_events(settings)
    try:
        groups = store.groups()
        with open_snapshots(settings.databases) as snapshots:
            segments = journal.copy_out(settings.journal, folder)
            waits = waiting.copy_out(settings.spools, folder, say)
            databases = _dump_databases(snapshots, folder, named, say)
        events = dump_topics(store, folder, groups, with_events, say)
    finally:
        store.close()
    artifacts = _copy_artifacts(settings, folder, say)
    stored = blobs.copy_out(backends.blob_store(settings), folder, named.keys, say)
    sync_folders(root)
    manifest = Manifest(
        id=str(uuid4()),
        fairlead=version("fairlead"),
        started=started,
        finished=_now(),
        databases=databases,
        events=events,
        blobs=stored,
        artifacts=artifacts,
        journal=segments,
        waiting=waits,
        files=folder.files,
    )
    manifests.write(root, manifest)
    return manifest


def _dump_databases(
    snapshots: Sequence[Snapshot], folder: BackupFolder, named: NamedBlobs, say: Say
) -> tuple[DatabaseDump, ...]:
    dumps: Sequence[DatabaseDump | None] = [dump_database(snapshot, folder, named, say) for snapshot in snapshots]
    found = tuple(dump for dump in dumps if dump is not None)
    if not found:
        raise FailedPrecondition("there is nothing to back up: no service has made its tables in these databases yet")
    return found


def _copy_artifacts(settings: BackupSettings, folder: BackupFolder, say: Say) -> ArtifactsDump:
    uri = settings.trainer_mlflow_artifacts
    artifacts, progress, count = open_artifacts(uri, settings), Progress("artifacts", say), 0
    for path in artifacts.paths():
        try:
            progress.add(folder.store(artifacts.read(path), f"{ARTIFACTS}/{path}").size)
        except FileNotFoundError:
            # Removed since it was listed.
            continue
        count += 1
    say(f"artifacts: {count:,} files of MLflow's")
    return ArtifactsDump(uri, count)


def _require_something(settings: BackupSettings) -> None:
    with closing(Marks(settings.home, settings.shared_database)) as marks:
        if (mark := marks.find()) is not None:
            raise FailedPrecondition(
                f"a restore of the backup {mark.backup} began here at {mark.started} and did not end; repeat it first"
            )
    if not settings.shared_database and not (settings.home / "gateway.db").exists():
        raise FailedPrecondition(
            f"there is no Fairlead in {settings.home}; name its folder with --home, or set FAIRLEAD_DATABASE_URL as "
            "for the services"
        )


def _make_root(root: Path) -> bool:
    """Make the folder; return whether it was there."""
    if root.exists():
        if not root.is_dir() or any(root.iterdir()):
            raise NotEmpty(f"{root} is there already and not an empty folder; name a new one")
        return True
    root.mkdir(parents=True, mode=0o700)
    return False


def _remove(root: Path, existed: bool) -> None:
    for path in root.iterdir():
        if path.is_dir():
            shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink(missing_ok=True)
    if not existed:
        root.rmdir()


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
