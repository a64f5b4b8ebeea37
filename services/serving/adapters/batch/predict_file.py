"""Predicts a file part by part: what is done is kept, so that work which is cut off goes on where it was."""

from __future__ import annotations

import hashlib
from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Protocol

from fairlead.kit.errors import FieldViolation, InvalidArgument

from ...domain.batches.parts import Fault, Part, Plan, Tally, describe_faults
from .assembly import Assembly, RejectedFile
from .block_predictor import BlockPredictor
from .part_folder import PartFolder
from .source import Block, Source

_TOLD = 3


class Observer(Protocol):
    """Is told how the work goes."""

    def note(self, message: str) -> None:
        """How the file is read."""
        ...

    def taken_up(self, parts: int, records: int) -> None:
        """So many parts of so many records were there already, whole."""
        ...

    def damaged(self, index: int) -> None:
        """A part was there and is not what it should be; it is made again."""
        ...

    def part(self, share: float, tally: Tally) -> None:
        """This share of the file is done, with what was predicted until here."""
        ...


@dataclass
class Progress:
    """What became of the records so far."""

    records: int = 0
    tally: Tally = field(default_factory=Tally)
    first_faults: list[tuple[int, Fault]] = field(default_factory=list)


@dataclass(frozen=True)
class FilePrediction:
    """Everything that predicting one file takes."""

    plan: Plan
    source: Source
    predictor: BlockPredictor
    parts: PartFolder
    assembly: Assembly
    rejected: RejectedFile
    observer: Observer
    threads: int
    most_rejected: int

    def run(self) -> Tally:
        """Predict what is not predicted yet, and hand every part on in order; return what was predicted.

        Raises InvalidArgument where more rows than allowed, or all of them, had to be left out, or the file is broken.
        """
        progress = Progress()
        index, start = self._take_up(progress)
        for part in self._made(index, start):
            self._add(part, progress)
            self.observer.part(part.end / max(self.source.size, 1), progress.tally)
        if progress.records and not progress.tally.rows:
            raise _refused(f"none of the {progress.records:,} rows could be read", progress)
        return progress.tally

    def _take_up(self, progress: Progress) -> tuple[int, int]:
        """Hand on the parts that are there; return where the next one begins."""
        index = start = 0
        for part in self.parts.finished():
            if isinstance(part, int):
                self.observer.damaged(part)
                break
            self._add(part, progress)
            index, start = part.index + 1, part.end
        if index:
            self.observer.taken_up(index, progress.records)
        return index, start

    def _made(self, index: int, start: int) -> Iterator[Part]:
        """Yield the other parts in order, while threads read, predict and write those that follow."""
        waiting: deque[Future[Part]] = deque()
        with ThreadPoolExecutor(self.threads, thread_name_prefix="batch") as threads:
            try:
                for block in self.source.blocks(index, start):
                    waiting.append(threads.submit(self._make, block))
                    if len(waiting) > self.threads:
                        yield waiting.popleft().result()
                while waiting:
                    yield waiting.popleft().result()
            finally:
                threads.shutdown(wait=True, cancel_futures=True)

    def _make(self, block: Block) -> Part:
        data, records, tally, faults = self.predictor(block)
        sha256 = hashlib.sha256(data).hexdigest()
        part = Part(block.index, block.start, block.end, records, tally, tuple(faults), sha256)
        self.parts.keep(part, data)
        return part

    def _add(self, part: Part, progress: Progress) -> None:
        self.rejected.add(part, progress.records)
        for fault in part.faults[: _TOLD - len(progress.first_faults)]:
            progress.first_faults.append((progress.records + fault.record + 1, fault))
        progress.records += part.records
        progress.tally += part.tally
        if self.rejected.rows > self.most_rejected:
            told = f"{self.rejected.rows:,} of the first {progress.records:,} rows could not be read"
            raise _refused(f"{told}, more than the limit of {self.most_rejected:,}", progress)
        self.assembly.add(part)


def _refused(what: str, progress: Progress) -> InvalidArgument:
    message = (
        f"{what}: {describe_faults(progress.first_faults)}. Correct the file, raise max_rejected_rows, or import it as "
        "a dataset first, which reads other spellings of numbers and dates too"
    )
    return InvalidArgument(message, violations=[FieldViolation("source", what)])
