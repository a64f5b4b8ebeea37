"""The trials of an unfinished run, kept so that another attempt, on whatever machine, does not fit them again."""

from __future__ import annotations

import io
import json
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from fairlead.kit.errors import FairleadError
from fairlead.kit.logging import get_logger
from fairlead.kit.tasks import Checkpoints, CheckpointWriter

from ..domain.search import FoldResult, Trial

TRIAL = "trial.npz"
_PARALLEL = 8
_LOG = get_logger("fairlead.trainer")


class TrialJournal:
    """A checkpoint a trial, by the candidate's name, replaced each time the trial has been fitted on more folds."""

    def __init__(self, checkpoints: Checkpoints, writer: CheckpointWriter) -> None:
        """Read trials from the checkpoints, and have the writer keep others: the search does not wait for them."""
        self._checkpoints = checkpoints
        self._writer = writer
        self._numbers: dict[str, int] = {}

    def put(self, trial: Trial, elapsed: float) -> None:
        """Keep a trial as it stands, and the seconds of the budget used until now."""
        following = max(self._numbers.values(), default=0) + 1
        kept = _Kept(self._numbers.setdefault(trial.candidate, following), elapsed, trial)
        self._writer.put(trial.candidate, lambda: {TRIAL: kept.to_bytes()})

    def load(self) -> tuple[list[Trial], float]:
        """Return the trials in the order of their making, and the seconds of the budget they used.

        One that can't be read is left out, to be fitted again; the log of the service tells why.
        """
        with ThreadPoolExecutor(_PARALLEL) as threads:
            found = [kept for kept in threads.map(self._read, self._entries()) if kept is not None]
        found.sort(key=lambda kept: kept.number)
        self._numbers = {kept.trial.candidate: kept.number for kept in found}
        return [kept.trial for kept in found], max((kept.elapsed for kept in found), default=0.0)

    def _entries(self) -> list[str]:
        try:
            return self._checkpoints.names()
        except FairleadError as error:
            _LOG.warning("trials of an earlier attempt can't be looked for; all are fitted again", why=error.message)
            return []

    def _read(self, entry: str) -> _Kept | None:
        try:
            return _Kept.read(self._checkpoints.fetch(entry) / TRIAL)
        except Exception as error:  # noqa: BLE001 - whatever is wrong with it, it can be fitted again
            _LOG.warning("a trial of an earlier attempt can't be read; it is fitted again", trial=entry, why=str(error))
            return None


@dataclass(frozen=True)
class _Kept:
    """A trial, the number of its making, and the seconds of the budget used until then."""

    number: int
    elapsed: float
    trial: Trial

    def to_bytes(self) -> bytes:
        results = self.trial.results
        facts = {
            **vars(self.trial),
            "results": [{**vars(result), "predictions": None} for result in results],
            "number": self.number,
            "elapsed": self.elapsed,
        }
        arrays: dict[str, Any] = {f"predictions_{index}": result.predictions for index, result in enumerate(results)}
        file = io.BytesIO()
        np.savez(file, facts=np.array(json.dumps(facts)), **arrays)
        return file.getvalue()

    @classmethod
    def read(cls, path: Path) -> _Kept:
        with np.load(path) as stored:
            facts = json.loads(str(stored["facts"]))
            results = tuple(
                FoldResult(**{**result, "predictions": stored[f"predictions_{index}"]})
                for index, result in enumerate(facts["results"])
            )
        number, elapsed = int(facts.pop("number")), float(facts.pop("elapsed"))
        return cls(number, elapsed, Trial(**{**facts, "results": results}))
