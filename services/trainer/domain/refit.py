"""Fitting the chosen candidates again, on all training rows."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from statistics import mean

from .families import find_family
from .preparation import FittedPreparation
from .search import Budget, Fitter, Sample, Trial
from .search.folded import FitPreparation
from .table import TrainingTable

# What refits may take beyond the budget before they are cut short: a model of half its trees helps nobody.
_GRACE_SECONDS = 2.0


@dataclass(frozen=True)
class RefittedMember:
    """A candidate fitted on all training rows, with the preparation it needs."""

    candidate: str
    weight: float
    preparation: FittedPreparation
    estimator: object
    seconds: float


class Refitter:
    """Refits candidates on one table under what is left of a budget; families of one flavour share a preparation."""

    def __init__(
        self,
        table: TrainingTable,
        fit_preparation: FitPreparation,
        flavour: Callable[[str], str],
        fitter: Fitter,
        budget: Budget,
    ) -> None:
        self._table = table
        self._fit_preparation = fit_preparation
        self._flavour = flavour
        self._fitter = fitter
        self._budget = budget
        self._prepared: dict[str, tuple[FittedPreparation, Sample]] = {}

    def refit(self, trials: Mapping[str, Trial], weights: Mapping[str, float]) -> list[RefittedMember]:
        """The members, heaviest first, weights summing to 1.

        Those that no longer fit into the time are left out. When none does, the quickest of all trials is fitted in
        spite of the budget, since a run without a model is worth nothing.
        """
        members: list[RefittedMember] = []
        for candidate in sorted(weights, key=lambda name: -weights[name]):
            expected = 1.2 * mean(result.seconds for result in trials[candidate].results)
            if members and expected > self._budget.remaining():
                continue
            allowed = max(self._budget.remaining(), 0.0) + _GRACE_SECONDS
            members += self._fit(trials[candidate], weights[candidate], allowed)
        if not members:
            quickest = min(trials.values(), key=lambda trial: mean(result.seconds for result in trial.results))
            members = self._fit(quickest, 1.0, float("inf"))
        total = sum(member.weight for member in members)
        return [replace(member, weight=member.weight / total) for member in members]

    def _fit(self, trial: Trial, weight: float, seconds: float) -> list[RefittedMember]:
        transformer, sample = self._prepare(trial.family)
        started = self._fitter.clock()
        fitted = self._fitter.fit(find_family(trial.family), trial.refit_params, sample, None, seconds)
        if fitted is None:
            return []
        took = self._fitter.clock() - started
        return [RefittedMember(trial.candidate, weight, transformer, fitted.fit.estimator, took)]

    def _prepare(self, family: str) -> tuple[FittedPreparation, Sample]:
        key = self._flavour(family)
        if key not in self._prepared:
            transformer, features = self._fit_preparation(self._table, family)
            self._prepared[key] = transformer, Sample(features, self._table.target_numbers())
        return self._prepared[key]
