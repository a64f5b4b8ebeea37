"""What an attempt at a batch prediction keeps for the next one, where its disk goes with it."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from itertools import count, takewhile
from pathlib import Path

from fairlead.kit.errors import FairleadError, NotFound
from fairlead.kit.logging import get_logger
from fairlead.kit.tasks import Checkpoints, CheckpointWriter

from ...domain.batch_prediction.parts import Part, Plan
from .part_folder import DRAFT, PLAN, PartFolder, read_plan

# Each holds one part in memory.
_PARALLEL = 2
_ENTRY = "plan"
_LOG = get_logger("fairlead.serving")


class KeptBatch:
    """The plan of a task's first attempt, and the parts that were finished since, as checkpoints of the task.

    Nothing that goes wrong with them ends the work: what can't be kept or brought is made again, and the log tells.
    """

    def __init__(self, checkpoints: Checkpoints) -> None:
        self._checkpoints = checkpoints

    def plan(self) -> Plan | None:
        """Return the plan that an earlier attempt began with, None where there is none or it can't be read."""
        try:
            return read_plan(self._checkpoints.fetch(_ENTRY) / PLAN)
        except NotFound:
            return None
        except FairleadError as error:
            _LOG.warning("it can't be seen what an earlier attempt began with", why=error.message)
            return None

    def begin(self, plan: Plan) -> None:
        """Keep the plan for other attempts."""
        try:
            self._checkpoints.put(_ENTRY, {PLAN: plan.to_json().encode()})
        except (FairleadError, OSError) as error:
            _LOG.warning("another attempt will not know what this one began with", why=str(error))

    @contextmanager
    def parts(self, folder: PartFolder, plan: Plan) -> Iterator[PartFolder]:
        """Yield the folder with the parts of earlier attempts in it; parts that are finished now are kept as well."""
        with CheckpointWriter(self._checkpoints, threads=_PARALLEL) as writer:
            if not folder.record(0).exists():
                self._bring(folder, plan)
            yield _KeptParts(folder.path, plan, writer)

    def _bring(self, folder: PartFolder, plan: Plan) -> None:
        """Bring the parts from the first on, up to one that is missing; whether they are whole is looked at later."""
        try:
            there = set(self._checkpoints.names())
            entries = takewhile(there.__contains__, (_entry(plan, index) for index in count()))
            with ThreadPoolExecutor(_PARALLEL) as threads:
                for _ in threads.map(lambda entry: _take(self._checkpoints.fetch(entry), folder.path), entries):
                    pass
        except (FairleadError, OSError) as error:
            _LOG.warning("parts of an earlier attempt can't be brought; they are made again", why=str(error))


class _KeptParts(PartFolder):
    """A folder whose parts are kept as checkpoints, too."""

    def __init__(self, folder: Path, plan: Plan, writer: CheckpointWriter) -> None:
        super().__init__(folder)
        self._plan = plan
        self._writer = writer

    def keep(self, part: Part, data: bytes, faults: bytes = b"") -> None:
        """Keep a part here, and soon as a checkpoint."""
        super().keep(part, data, faults)
        # Read again when its turn comes: those that wait would take memory without a limit.
        self._writer.put(_entry(self._plan, part.index), lambda: self._files(part))

    def _files(self, part: Part) -> Mapping[str, bytes]:
        faults = [self.faults_file(part.index)] if part.faults_sha256 else []
        return {path.name: path.read_bytes() for path in (self.file(part.index), *faults, self.record(part.index))}


def _entry(plan: Plan, index: int) -> str:
    """Return the name of a part's checkpoint; parts of another plan do not fit."""
    return f"{plan.key}-{index:06}"


def _take(entry: Path, folder: Path) -> None:
    """Put a part's files in place; in their order, what tells of it comes last."""
    for file in sorted(entry.iterdir()):
        draft = folder / f"{file.name}{DRAFT}"
        try:
            # A copy would take the disk twice. Neither this folder nor the blob store's writes into a file.
            os.link(file, draft)
        except OSError:
            shutil.copyfile(file, draft)
        draft.replace(folder / file.name)
