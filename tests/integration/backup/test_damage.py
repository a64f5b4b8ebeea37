"""A backup is taken back as its manifest lists it, and nobody else may read it; what goes meanwhile is left out."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterable
from pathlib import Path

import pytest

from fairlead.admin.backup import BackupSettings, blobs, verify
from fairlead.admin.backup import manifest as manifests
from fairlead.admin.backup.emptiness import require_empty
from fairlead.admin.backup.errors import Damaged, NotEmpty
from fairlead.admin.backup.events_sqlite import SqliteEvents
from fairlead.admin.backup.files import BackupFile, BackupFolder
from fairlead.admin.backup.manifest import ArtifactsDump, BlobsDump, EventsDump, Manifest
from fairlead.kit import backends
from fairlead.kit.blobs import BlobStore
from fairlead.kit.blobs.local import LocalBlobStore
from tests.integration.backup import small

PACKAGE = "models/default/m/t1"


@pytest.fixture
def settings(tmp_path: Path) -> BackupSettings:
    return small.place(tmp_path / "home")


@pytest.fixture
def store(settings: BackupSettings, tmp_path: Path) -> BlobStore:
    """A blob and a package of two files."""
    store = backends.blob_store(settings)
    store.put_bytes(b"a blob")
    (tmp_path / "package").mkdir()
    for name in ("a.json", "model.onnx"):
        (tmp_path / "package" / name).write_bytes(b"\x08\x07")
    store.put_folder(tmp_path / "package", PACKAGE)
    return store


@pytest.fixture
def backup(store: BlobStore, tmp_path: Path) -> Path:
    """A backup of the blobs alone, made where others may read new files."""
    root = tmp_path / "backup"
    root.mkdir()
    before = os.umask(0o000)
    try:
        folder = BackupFolder(root)
        stored = blobs.copy_out(store, folder, (), small.said)
        manifests.write(root, manifest(stored, folder.files))
    finally:
        os.umask(before)
    return root


def manifest(stored: BlobsDump, files: tuple[BackupFile, ...]) -> Manifest:
    events = EventsDump("sqlite", "", (), ())
    return Manifest("id", "1", "", "", (), events, stored, ArtifactsDump("", 0), (), (), files)


def add_to_a_package(backup: Path) -> str:
    (backup / "folders" / "models~default~m~t1" / "more.py").write_text("import os")
    return "folders/models~default~m~t1/more.py is not in its list of files"


def link_in_a_package(backup: Path) -> str:
    (backup / "folders" / "models~default~m~t1" / "more").symlink_to("/etc")
    return "folders/models~default~m~t1/more is not in its list of files"


def link_a_folder(backup: Path) -> str:
    package = backup / "folders" / "models~default~m~t1"
    shutil.move(package, backup.parent / "elsewhere")
    package.symlink_to(backup.parent / "elsewhere")
    return "folders/models~default~m~t1/a.json is not a path within the backup"


@pytest.mark.parametrize("harm", [add_to_a_package, link_in_a_package, link_a_folder])
def test_what_its_list_does_not_name_makes_a_backup_damaged(backup: Path, harm: Callable[[Path], str]) -> None:
    verify(backup)
    told = harm(backup)

    with pytest.raises(Damaged, match=told):
        verify(backup)


def test_blobs_that_the_list_does_not_name_are_not_restored(backup: Path, tmp_path: Path) -> None:
    other = backup / "blobs" / "sha256" / "00"
    other.mkdir()
    (other / "left-behind.part").write_bytes(b"not ours")
    target = LocalBlobStore(tmp_path / "target")

    blobs.copy_in(target, backup, verify(backup).files, small.said)

    assert len(list(target.keys())) == 2
    assert sorted(path.name for path in target.fetch_folder(PACKAGE).iterdir()) == ["a.json", "model.onnx"]


def test_a_journal_without_predictions_is_empty(tmp_path: Path) -> None:
    """Serving counts there, too, what it could not keep."""
    target = small.place(tmp_path / "target")
    log = SqliteEvents(tmp_path / "events.db")
    target.journal.mkdir(parents=True)
    (target.journal / "losses.json").write_text("{}")

    require_empty(target, log, EventsDump("sqlite", "", (), ()))
    (target.journal / "000000000001.open").write_bytes(b"")

    with pytest.raises(NotEmpty, match="predictions that are not published yet"):
        require_empty(target, log, EventsDump("sqlite", "", (), ()))


def test_only_its_owner_may_read_a_backup(backup: Path) -> None:
    for path in backup.rglob("*"):
        assert path.stat().st_mode & 0o777 == (0o700 if path.is_dir() else 0o600), path


def test_a_package_that_is_deleted_while_it_is_copied_is_left_out_and_told(store: BlobStore, tmp_path: Path) -> None:
    class Deleting(BackupFolder):
        """Deletes the package once its first file is copied."""

        def store(self, chunks: Iterable[bytes], path: str) -> BackupFile:
            """Write, then delete."""
            written = super().store(chunks, path)
            if path.startswith("folders/"):
                store.delete(PACKAGE)
            return written

    folder = Deleting(tmp_path / "b")
    folder.root.mkdir()

    stored = blobs.copy_out(store, folder, [PACKAGE], small.said)

    assert (stored.folders, stored.missing) == (0, (PACKAGE,))
    assert [file.path for file in folder.files if file.path.startswith("folders/")] == []
