"""One training: split, search, select, refit, evaluate."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol

from .baseline import baseline_predictions
from .ensemble import select_weights
from .export import FittedModel, WeightedEnsemble
from .families import families_for
from .metrics import Metric, compute_all
from .out_of_fold import out_of_fold, weighted_scores
from .preparation import StepSpec
from .preparing import fit_preparation_of, flavour_name
from .refit import RefittedMember, Refitter
from .search import (
    Budget,
    Fitter,
    Fold,
    FoldedTable,
    Search,
    SearchPlan,
    TimeEstimator,
    Trial,
    choose_folds,
    make_folds,
    split_holdout,
)
from .table import TrainingTable

ENSEMBLE = "ensemble"
# Candidates the ensemble chooses from.
_CHOICE = 12
# A relative lead on the first fold that can't be chance.
_CLEARLY = 0.03
# Rows of a fold's training part from which a probe is one fold, not three.
_PROBE_ROWS = 2000


@dataclass(frozen=True)
class TrainingPlan:
    """What to train and how; `folds` 0 means chosen by the number of rows."""

    steps: tuple[StepSpec, ...]
    families: tuple[str, ...]
    metric: Metric
    folds: int
    seed: int
    holdout: float
    threads: int


class Observer(Protocol):
    """Who is told while a training goes on."""

    def stage(self, name: str, message: str, **meta: Any) -> None:
        """A part of the training begins or has come to something."""

    def trial(self, trial: Trial, complete: bool) -> None:
        """A trial was fitted on as many folds as it will be for now."""


@dataclass(frozen=True)
class TrainingResult:
    """What a training came to.

    `weights` are the winner's members by candidate. `scores` are the winner's by fold.
    """

    winner: FittedModel | WeightedEnsemble
    candidate: str
    weights: dict[str, float]
    trials: list[Trial]
    scores: list[float]
    metrics: dict[str, float]
    baseline_metrics: dict[str, float]
    member_metrics: dict[str, dict[str, float]]
    train: TrainingTable
    holdout: TrainingTable
    refit_seconds: float = 0.0
    wanted_folds: int = 1


class Training:
    """Trains on one table under a budget; `known` are the trials of an interrupted attempt."""

    def __init__(self, table: TrainingTable, plan: TrainingPlan, budget: Budget, observer: Observer) -> None:
        self._plan = plan
        self._budget = budget
        self._observer = observer
        classes = len(table.classes)
        target = table.target_numbers()
        train_rows, holdout_rows = split_holdout(target, table.task_type, plan.holdout, plan.seed)
        self.train, self.holdout = table.take(train_rows), table.take(holdout_rows)
        self._target = target[train_rows]
        self._fitter = Fitter(table.task_type, classes, plan.seed, plan.threads, TimeEstimator(), budget.clock)
        self._fit_preparation = fit_preparation_of(plan.steps, plan.seed)

    def run(self, known: Sequence[Trial] = ()) -> TrainingResult:
        """Search, select, refit and evaluate. Raises ValueError when not even one candidate could be fitted."""
        folds = self._folds()
        trials, wanted = self._search(folds, known)
        weights = self._select(trials, folds, wanted)
        self._observer.stage("refit", f"Fitting {', '.join(weights)} on all {self.train.row_count} training rows")
        members = self._refitter().refit(trials, weights)
        kept = {member.candidate: member.weight for member in members}
        return replace(self._evaluate(trials, folds, members, kept), wanted_folds=wanted)

    def _folds(self) -> tuple[Fold, ...]:
        folds, repetitions = choose_folds(self.train.row_count)
        if self._plan.folds:
            folds, repetitions = self._plan.folds, 1
        folds = min(folds, self.train.row_count // 2)
        return make_folds(self._target, self.train.task_type, folds, repetitions, self._plan.seed)

    def _search(self, folds: tuple[Fold, ...], known: Sequence[Trial]) -> tuple[dict[str, Trial], int]:
        train = self.train
        rows = len(folds[0][0])
        folded = FoldedTable(train, folds, self._fit_preparation, flavour_name, self._fitter, self._plan.metric)
        families = families_for(self._fitter.problem(rows, len(train.inputs)), self._plan.families)
        probe = 1 if rows >= _PROBE_ROWS else min(3, len(folds))
        self._observer.stage(
            "search",
            f"Searching {len(families)} families on {train.row_count} rows by {len(folds)} folds,"
            f" {self.holdout.row_count} rows held out",
            families=[family.name for family in families],
            folds=len(folds),
        )
        search = Search(folded, SearchPlan(families, probe, self._plan.seed), self._budget, self._observer.trial, known)
        trials = search.run()
        if not trials:
            raise ValueError("no model family could be fitted within the budget; give it more seconds")
        return {trial.candidate: trial for trial in trials}, search.wanted_folds

    def _select(self, trials: dict[str, Trial], folds: tuple[Fold, ...], wanted: int) -> dict[str, float]:
        """Weights by candidate, chosen from the complete trials.

        Where time was too short to complete what is clearly the best, all are chosen from, by the folds they share.
        """
        complete = [trial for trial in trials.values() if len(trial.results) >= wanted]
        best = max(self._first_utility(trial) for trial in trials.values())
        near = best - _CLEARLY * abs(best)
        if any(self._first_utility(trial) >= near for trial in complete):
            choice = complete[:_CHOICE]
        else:
            choice = sorted(trials.values(), key=self._first_utility, reverse=True)[:_CHOICE]
        self._observer.stage("ensemble", f"Weighing the best {len(choice)} candidates")
        predictions = [out_of_fold(trial, folds, self.train.row_count) for trial in choice]
        chosen = select_weights(predictions, self._target, self._plan.metric, self._plan.seed)
        return {choice[index].candidate: weight for index, weight in chosen.items()}

    def _first_utility(self, trial: Trial) -> float:
        """Utility on the first fold, the one that every trial has."""
        first = trial.results[0].score
        return first if self._plan.metric.greater_is_better else -first

    def _refitter(self) -> Refitter:
        return Refitter(self.train, self._fit_preparation, flavour_name, self._fitter, self._budget)

    def _evaluate(
        self,
        trials: dict[str, Trial],
        folds: tuple[Fold, ...],
        members: list[RefittedMember],
        weights: dict[str, float],
    ) -> TrainingResult:
        models = {member.candidate: self._model(member) for member in members}
        single = len(models) == 1
        winner = (
            next(iter(models.values()))
            if single
            else WeightedEnsemble(tuple((model, weights[name]) for name, model in models.items()))
        )
        task, classes = self.train.task_type, len(self.train.classes)
        truth = self.holdout.target_numbers()
        baseline = baseline_predictions(self._target, len(truth), task, classes)
        return TrainingResult(
            winner=winner,
            candidate=next(iter(models)) if single else ENSEMBLE,
            weights=weights,
            trials=list(trials.values()),
            scores=weighted_scores(trials, weights, folds, self._target, self._plan.metric),
            metrics=compute_all(task, truth, winner.predict_columns(self.holdout.columns)),
            baseline_metrics=compute_all(task, truth, baseline),
            member_metrics={
                name: compute_all(task, truth, model.predict_columns(self.holdout.columns))
                for name, model in models.items()
            },
            train=self.train,
            holdout=self.holdout,
            refit_seconds=sum(member.seconds for member in members),
        )

    def _model(self, member: RefittedMember) -> FittedModel:
        return FittedModel(member.preparation, member.estimator, self.train.classes)
