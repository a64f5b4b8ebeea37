"""Predictions that serving has answered and not published yet: its journal's segments, copied as they are."""

from __future__ import annotations

from pathlib import Path

from fairlead.admin.backup.files import BackupFolder

FOLDER = "journal"
_SUFFIXES = (".open", ".sealed")


def copy_out(journal: Path, folder: BackupFolder) -> tuple[str, ...]:
    """Copy the segments and return their names.

    Called before the event log is read: what is published and removed meanwhile is found there.
    """
    copied: list[str] = []
    for path in sorted(journal.glob("*")):
        if path.suffix not in _SUFFIXES:
            continue
        # One that was being written may have been sealed since it was listed.
        for name in (path.name, path.with_suffix(".sealed").name):
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
