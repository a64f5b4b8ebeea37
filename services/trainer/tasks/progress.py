"""Telling of a training while it goes on: log lines, progress facts, MLflow, and the journal of its trials."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from fairlead.api.events.v1.events_pb2 import TrainProgress
from fairlead.kit.tasks import TaskContext

from ..adapters.journal import TrialJournal
from ..adapters.tracking import Tracking
from ..domain.metrics import Metric
from ..domain.search import Budget, Trial

# Shares of the task's progress bar: reading before the search, refit and evaluation after it.
_BEFORE, _SEARCH = 0.05, 0.8


class ProgressReporter:
    """The Observer of one training."""

    def __init__(
        self,
        context: TaskContext,
        run: str,
        metric: Metric,
        budget: Budget,
        tracking: Tracking,
        journal: TrialJournal,
        known: list[Trial],
    ) -> None:
        self._context = context
        self._run = run
        self._run_id = run.rpartition("/")[2]
        self._metric = metric
        self._budget = budget
        self._tracking = tracking
        self._journal = journal
        self._best: float | None = None
        self._seen = {trial.candidate for trial in known}
        self.mlflow_run_ids = {trial.candidate: trial.mlflow_run_id for trial in known if trial.mlflow_run_id}

    def stage(self, name: str, message: str, **meta: Any) -> None:
        """Log the beginning of a part; the search owns most of the progress bar, the parts after it the rest."""
        fraction = {"search": _BEFORE, "ensemble": _BEFORE + _SEARCH, "refit": 0.9}.get(name, 0.95)
        self._context.progress(fraction, name)
        self._context.log(f"train.{name}", message, **meta)

    def trial(self, trial: Trial, complete: bool) -> None:
        """Log a trial, publish its fact, and keep it; MLflow gets it once it was fitted on all folds."""
        if complete:
            self.log_to_mlflow(trial)
        elapsed = self._budget.elapsed()
        self._journal.put(replace(trial, mlflow_run_id=self.mlflow_run_ids.get(trial.candidate, "")), elapsed)
        self._seen.add(trial.candidate)
        if self._best is None or self._metric.is_better(trial.score, self._best):
            self._best = trial.score
            self._tracking.log_metrics(self._run_id, {f"best_cv_{self._metric.name}": trial.score}, len(self._seen))
        self._context.log(
            f"train.{trial.family}",
            self._sentence(trial, complete),
            candidate=trial.candidate,
            score=trial.score,
            folds=len(trial.results),
            seconds=round(trial.seconds, 3),
        )
        self._context.progress(_BEFORE + _SEARCH * min(1.0, elapsed / self._budget.seconds), "search")
        self._context.fact(
            TrainProgress(
                run=self._run,
                trials_done=len(self._seen),
                family=trial.family,
                candidate=trial.candidate,
                metric=self._metric.name,
                score=trial.score,
                best_score=self._best,
                elapsed_seconds=elapsed,
                budget_seconds=self._budget.seconds,
            )
        )

    def log_to_mlflow(self, trial: Trial) -> None:
        """Record a trial as a nested MLflow run, unless it was."""
        if trial.candidate not in self.mlflow_run_ids:
            run_id = self._tracking.log_trial(self._run_id, trial, self._metric.name)
            self.mlflow_run_ids[trial.candidate] = run_id

    def _sentence(self, trial: Trial, complete: bool) -> str:
        score = f"{trial.candidate}: {self._metric.name} {trial.score:.4f}"
        spread = f" ± {trial.score_stddev:.4f}" if len(trial.results) > 1 else ""
        scope = "" if complete else f" on {len(trial.results)} fold{'s' if len(trial.results) > 1 else ''}"
        cut = ", cut short by the time" if trial.truncated else ""
        return f"{score}{spread}{scope} in {trial.seconds:.1f} s{cut}"
