"""The trials of an unfinished run, kept on disk so that a restarted attempt does not fit them again."""

from __future__ import annotations

import json
import shutil
from dataclasses import asdict
from pathlib import Path
from typing import Any
from uuid import uuid4

import numpy as np

from ..domain.search import FoldResult, Trial


class TrialJournal:
    """One folder a task: a .npz a trial, replaced whole each time the trial has been fitted on more folds."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        folder.mkdir(parents=True, exist_ok=True)

    def put(self, trial: Trial, elapsed: float) -> None:
        """Keep a trial as it stands, and the seconds of the budget used until now."""
        facts = asdict(trial) | {"results": [asdict(result) | {"predictions": None} for result in trial.results]}
        arrays: dict[str, Any] = {
            f"predictions_{index}": result.predictions for index, result in enumerate(trial.results)
        }
        draft = self._folder / f"draft-{uuid4().hex}"
        with draft.open("wb") as file:
            np.savez(file, facts=np.array(json.dumps(facts | {"elapsed": elapsed})), **arrays)
        draft.replace(self._folder / f"{trial.candidate}.npz")

    def load(self) -> tuple[list[Trial], float]:
        """Return the trials in the order of their making, and the seconds of the budget they used."""
        trials, elapsed = [], 0.0
        for path in sorted(self._folder.glob("*.npz"), key=lambda path: path.stat().st_mtime_ns):
            with np.load(path) as stored:
                facts = json.loads(str(stored["facts"]))
                elapsed = max(elapsed, float(facts.pop("elapsed")))
                results = [
                    FoldResult(**{**result, "predictions": stored[f"predictions_{index}"]})
                    for index, result in enumerate(facts["results"])
                ]
            trials.append(Trial(**{**facts, "results": tuple(results)}))
        return trials, elapsed

    def remove(self) -> None:
        """Forget the run's trials, once it has finished."""
        shutil.rmtree(self._folder, ignore_errors=True)
