"""Predicts a file part by part: what is done is kept, so that work which is cut off goes on where it was."""

from __future__ import annotations

import hashlib
from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Protocol

from fairlead.kit.errors import FieldViolation, InvalidArgument

from ...domain.batch_prediction.parts import FAULTS_TOLD, Fault, Part, Plan, Tally, describe_faults
from .assembly import Assembly, RejectedFile
from .block_predictor import BlockPredictor
from .faults import TooManyFaultsError
from .part_folder import PartFolder
from .source import Block, Source


class TooManyRejectedError(InvalidArgument):
    """More rows than allowed can't be read; the parts before are as good as if more were allowed."""


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

    def note(self, faults: tuple[Fault, ...]) -> None:
        """Keep the file's first faults, with the numbers of their rows, given those of the next part."""
        for fault in faults[: FAULTS_TOLD - len(self.first_faults)]:
            self.first_faults.append((self.records + fault.record + 1, fault))


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

        Raises TooManyRejectedError where more rows than allowed had to be left out, InvalidArgument where all of them
        had, or the file is broken.
        """
        progress = Progress()
        try:
            index, start = self._take_up(progress)
            for part in self._made(index, start):
                self._add(part, progress)
                self.observer.part(part.end / max(self.source.size, 1), progress.tally)
        except TooManyFaultsError as many:
            progress.note(many.first)
            raise self._too_many(
                self.rejected.rows + many.rejected, progress.records + many.records, progress
            ) from None
        if progress.records and not progress.tally.rows:
            what = f"none of the {progress.records:,} rows could be read"
            raise InvalidArgument(_told(what, progress), violations=[FieldViolation("source", what)])
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
        told = faults.to_bytes()
        part = Part(
            block.index,
            block.start,
            block.end,
            records,
            tally,
            faults.rejected,
            faults.first(),
            _sha256(data),
            _sha256(told) if told else "",
        )
        self.parts.keep(part, data, told)
        return part

    def _add(self, part: Part, progress: Progress) -> None:
        if self.rejected.rows + part.rejected > self.most_rejected:
            progress.note(part.first_faults)
            raise self._too_many(part.rejected, part.records, progress)
        self.rejected.add(self.parts, part, progress.records)
        progress.note(part.first_faults)
        progress.records += part.records
        progress.tally += part.tally
        self.assembly.add(part)

    def _too_many(self, rejected: int, records: int, progress: Progress) -> TooManyRejectedError:
        """Return the error, given what the next part has."""
        what = (
            f"{self.rejected.rows + rejected:,} of the first {progress.records + records:,} rows could not be read, "
            f"more than the limit of {self.most_rejected:,}"
        )
        return TooManyRejectedError(_told(what, progress), violations=[FieldViolation("source", what)])


def _told(what: str, progress: Progress) -> str:
    return (
        f"{what}: {describe_faults(progress.first_faults)}. Correct the file, raise max_rejected_rows, or import it as "
        "a dataset first, which reads other spellings of numbers and dates too"
    )


def _sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()
