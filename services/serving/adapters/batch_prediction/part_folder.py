"""The folder that the parts of an unfinished batch prediction lie in."""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ...domain.batch_prediction.parts import Part, Plan, part_of_json, plan_of_json

PLAN = "plan.json"
LOCK = "lock"
DRAFT = ".draft"
ABANDONED_SECONDS = 3 * 24 * 3600.0
"""How long the parts of work that was cancelled, or never came back, are kept."""


class PartFolder:
    """Keeps finished parts: each file first, then what tells of it, both put in place whole."""

    def __init__(self, folder: Path) -> None:
        """Use this folder, which is made where absent."""
        self.path = folder
        folder.mkdir(parents=True, exist_ok=True)

    def begin(self, plan: Plan) -> None:
        """Keep the plan; parts of another one are removed, as is what a killed process was writing."""
        same = read_plan(self.path / PLAN) == plan
        for file in self.path.iterdir():
            if file.name != LOCK and (file.suffix == DRAFT or not same):
                file.unlink()
        if not same:
            write_plan(self.path / PLAN, plan)

    def keep(self, part: Part, data: bytes, faults: bytes = b"") -> None:
        """Keep a part; its sums are those of the data and the faults. Safe to call from many threads."""
        _put(self.file(part.index), data)
        if part.faults_sha256:
            _put(self.faults_file(part.index), faults)
        _put(self.record(part.index), part.to_json().encode())

    def finished(self) -> Iterator[Part | int]:
        """Yield the parts from the first on, each checked against its file, up to the first that is not there.

        A part that is damaged is told by its index, as the last.
        """
        index, end = 0, None
        while self.record(index).exists():
            try:
                part = part_of_json(self.record(index).read_text("utf-8"))
                whole = part.index == index and end in (None, part.start) and self._is_whole(part)
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

    def faults_file(self, index: int) -> Path:
        """Return the path of what was left out of a part; there is none where that is nothing."""
        return self.path / f"part-{index:06}.faults"

    def record(self, index: int) -> Path:
        """Return the path of what tells of a finished part."""
        return self.path / f"part-{index:06}.json"

    def leave(self) -> None:
        """Keep nothing but the parts that another attempt can take up; where there are none, remove the folder."""
        kept = {PLAN, LOCK}
        index = 0
        while self.record(index).exists():
            kept |= {path.name for path in (self.file(index), self.faults_file(index), self.record(index))}
            index += 1
        if not index:
            return self.remove()
        for file in self.path.iterdir():
            if file.name not in kept:
                file.unlink()
        return None

    def remove(self) -> None:
        """Remove the folder with all that is in it."""
        shutil.rmtree(self.path, ignore_errors=True)

    def _is_whole(self, part: Part) -> bool:
        if part.sha256 != _sha256(self.file(part.index)):
            return False
        return not part.faults_sha256 or part.faults_sha256 == _sha256(self.faults_file(part.index))


@contextmanager
def open_folder(batches: Path, plan: Plan, task_id: str) -> Iterator[PartFolder]:
    """Yield the folder of a plan's parts, which a later task with the same plan takes up too.

    While another process works in it, a folder of the task's own is used.
    """
    shared = PartFolder(batches / plan.key)
    with (shared.path / LOCK).open("a") as lock:
        folder = shared if _locked(lock.fileno(), shared.path / LOCK) else PartFolder(batches / f"{plan.key}-{task_id}")
        folder.begin(plan)
        yield folder


def read_plan(path: Path) -> Plan | None:
    """Return a plan that was kept, None where none was or it can't be read."""
    try:
        return plan_of_json(path.read_text("utf-8"))
    except (OSError, ValueError, TypeError):
        return None


def write_plan(path: Path, plan: Plan) -> None:
    """Keep a plan."""
    _put(path, plan.to_json().encode())


def remove_abandoned(batches: Path, now: float | None = None) -> None:
    """Remove what lies in the folder and has not changed for days."""
    oldest = (time.time() if now is None else now) - ABANDONED_SECONDS
    for entry in batches.iterdir() if batches.is_dir() else ():
        try:
            if entry.stat().st_mtime >= oldest:
                continue
            if entry.is_dir():
                shutil.rmtree(entry, ignore_errors=True)
            else:
                entry.unlink()
        except FileNotFoundError:
            continue  # whoever it belongs to has just finished


def _locked(lock: int, path: Path) -> bool:
    """Lock the file for as long as it is open; return False where another has it, or has just removed it."""
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        return os.fstat(lock).st_ino == path.stat().st_ino
    except (BlockingIOError, FileNotFoundError):
        return False


def _put(target: Path, data: bytes) -> None:
    draft = target.with_name(f"{target.name}.{threading.get_native_id()}{DRAFT}")
    draft.write_bytes(data)
    draft.replace(target)


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
