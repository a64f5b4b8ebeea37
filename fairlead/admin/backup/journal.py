"""Predictions that serving has answered and not published yet: its journal's segments, copied as they are."""

from __future__ import annotations

import time
from pathlib import Path

from fairlead.admin.backup.files import BackupFolder

FOLDER = "journal"
OPEN, SEALED = ".open", ".sealed"
# A running service ends the segment that it writes within a tenth of that.
SEAL_SECONDS = 2.0
_LOOK_SECONDS = 0.02


def segments(journal: Path) -> list[Path]:
    """Return the segments that are there, oldest first; the folder holds other files too."""
    return sorted(path for path in journal.glob("*") if path.suffix in (OPEN, SEALED))


def copy_out(journal: Path, folder: BackupFolder) -> tuple[str, ...]:
    """Copy the segments and return their names.

    Called before the spools and the event log are read: what is published and removed meanwhile is found there.
    """
    deadline = time.monotonic() + SEAL_SECONDS
    copied: list[str] = []
    for path in segments(journal):
        # A whole segment is published under the same event ids as from here; a part of one would not be.
        while path.suffix == OPEN and path.exists() and time.monotonic() < deadline:
            time.sleep(_LOOK_SECONDS)
        for name in (path.name, path.with_suffix(SEALED).name):
            try:
                folder.copy(journal / name, f"{FOLDER}/{name}")
            except FileNotFoundError:
                continue
            copied.append(name)
            break
    return tuple(copied)


def copy_in(root: Path, names: tuple[str, ...], journal: Path) -> None:
    """Put the segments where serving publishes them from at its next start."""
    journal.mkdir(parents=True, exist_ok=True)
    for name in names:
        (journal / name).write_bytes((root / FOLDER / name).read_bytes())
