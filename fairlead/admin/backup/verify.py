"""Proving that a backup is whole, before anything is written anywhere."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from fairlead.admin.backup import manifest as manifests
from fairlead.admin.backup.blobs import FOLDERS
from fairlead.admin.backup.errors import Damaged
from fairlead.admin.backup.files import BackupFile, sha256_of
from fairlead.admin.backup.manifest import Manifest

SHOWN = 5
READERS = 4


def verify(root: Path) -> Manifest:
    """Return the manifest of a backup, each of whose files has the size and SHA-256 that it says.

    Raises Damaged, with the paths, where one is missing or differs, or where the backup was never finished.
    """
    manifest = manifests.read(root)
    if absent := manifest.named_files - {file.path for file in manifest.files}:
        raise Damaged(f"the backup in {root} is damaged: its list of files lacks {min(absent)}")
    # Hashing lets other threads run, so several files are read at once.
    with ThreadPoolExecutor(READERS) as readers:
        wrong = [problem for problem in readers.map(lambda file: _problem(root, file), manifest.files) if problem]
    wrong += _unlisted(root, manifest)
    if wrong:
        more = f" and {len(wrong) - SHOWN} more" if len(wrong) > SHOWN else ""
        raise Damaged(f"the backup in {root} is damaged: {'; '.join(wrong[:SHOWN])}{more}")
    return manifest


def _unlisted(root: Path, manifest: Manifest) -> list[str]:
    """Tell of what was put into folders of the blob store, which are restored with all that they hold."""
    listed = {file.path for file in manifest.files}
    found = (path for path in sorted((root / FOLDERS).rglob("*")) if path.is_symlink() or not path.is_dir())
    paths = (path.relative_to(root).as_posix() for path in found)
    return [f"{path} is not in its list of files" for path in paths if path not in listed]


def _problem(root: Path, file: BackupFile) -> str:
    path = root / file.path
    within = [path, *path.parents[: file.path.count("/")]]
    if {"", ".", ".."} & set(file.path.split("/")) or any(part.is_symlink() for part in within):
        return f"{file.path} is not a path within the backup"
    if not path.is_file():
        return f"{file.path} is missing"
    if path.stat().st_size != file.size:
        return f"{file.path} has {path.stat().st_size:,} bytes and had {file.size:,}"
    return "" if sha256_of(path) == file.sha256 else f"{file.path} has other bytes than it had"
