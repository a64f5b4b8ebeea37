"""Proving that a backup is whole, before anything is written anywhere."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from fairlead.admin.backup import manifest as manifests
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
    if wrong:
        more = f" and {len(wrong) - SHOWN} more" if len(wrong) > SHOWN else ""
        raise Damaged(f"the backup in {root} is damaged: {'; '.join(wrong[:SHOWN])}{more}")
    return manifest


def _problem(root: Path, file: BackupFile) -> str:
    path = root / file.path
    if {"", ".", ".."} & set(file.path.split("/")) or path.is_symlink():
        return f"{file.path} is not a path within the backup"
    if not path.is_file():
        return f"{file.path} is missing"
    if path.stat().st_size != file.size:
        return f"{file.path} has {path.stat().st_size:,} bytes and had {file.size:,}"
    return "" if sha256_of(path) == file.sha256 else f"{file.path} has other bytes than it had"
