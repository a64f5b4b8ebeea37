"""The folder that the parts of an unfinished batch prediction lie in."""

from __future__ import annotations

import hashlib
import shutil
import threading
import time
from collections.abc import Iterator
from pathlib import Path

from ...domain.batch_parts import Part, Plan, part_of_json, plan_of_json

PLAN = "plan.json"
ABANDONED_SECONDS = 3 * 24 * 3600.0
"""How long the parts of a task that was cancelled, or never came back, are kept."""


class PartFolder:
    """Keeps finished parts: each file first, then what tells of it, both put in place whole."""

    def __init__(self, folder: Path) -> None:
        """Use this folder, which is made where absent."""
        self.path = folder
        folder.mkdir(parents=True, exist_ok=True)

    def plan(self) -> Plan | None:
        """Return the plan of the parts that may be there, None where nothing was begun or it can't be read."""
        try:
            return plan_of_json((self.path / PLAN).read_text("utf-8"))
        except (OSError, ValueError, TypeError):
            return None

    def begin(self, plan: Plan) -> None:
        """Keep the plan; parts of another one are removed."""
        if self.plan() == plan:
            return
        self.remove()
        self.path.mkdir(parents=True)
        self._put(self.path / PLAN, plan.to_json().encode())

    def keep(self, part: Part, data: bytes) -> None:
        """Keep a part; its sum is that of the data. Safe to call from many threads."""
        self._put(self.file(part.index), data)
        self._put(self._record(part.index), part.to_json().encode())

    def finished(self) -> Iterator[Part | int]:
        """Yield the parts from the first on, each checked against its file, up to the first that is not there.

        A part that is damaged is told by its index, as the last.
        """
        index, end = 0, None
        while self._record(index).exists():
            try:
                part = part_of_json(self._record(index).read_text("utf-8"))
                whole = part.index == index and end in (None, part.start) and part.sha256 == _sha256(self.file(index))
            except (ValueError, KeyError, TypeError, OSError):
                whole = False
            if not whole:
                yield index
                return
            yield part
            index, end = index + 1, part.end

    def file(self, index: int) -> Path:
        """Return the path of a part's bytes."""
        return self.path / f"part-{index:06}"

    def remove(self) -> None:
        """Remove the folder with all that is in it."""
        shutil.rmtree(self.path, ignore_errors=True)

    def _record(self, index: int) -> Path:
        return self.path / f"part-{index:06}.json"

    def _put(self, target: Path, data: bytes) -> None:
        # A thread of its own may write the same part for an attempt that is about to end.
        draft = target.with_name(f"{target.name}.{threading.get_native_id()}.draft")
        draft.write_bytes(data)
        draft.replace(target)


def remove_abandoned(drafts: Path, now: float | None = None) -> None:
    """Remove the folders below drafts in which nothing has changed for days."""
    oldest = (time.time() if now is None else now) - ABANDONED_SECONDS
    for folder in drafts.iterdir() if drafts.is_dir() else ():
        try:
            if folder.stat().st_mtime < oldest:
                shutil.rmtree(folder, ignore_errors=True)
        except FileNotFoundError:
            continue  # whoever it belongs to has just finished


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
