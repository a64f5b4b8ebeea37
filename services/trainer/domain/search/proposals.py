"""What to try next: each family's portfolio, then Optuna's TPE over family and hyperparameters."""

from __future__ import annotations

import warnings
from typing import Any

from ..families import Choice, Dimension, Family, Integer, Params, Problem, Real, Space

# (family, params) of the starting configurations: all families' first, then all families' second, and so on.
Proposal = tuple[Family, Params]


def portfolio(families: tuple[Family, ...], problem: Problem) -> list[Proposal]:
    """Every family's starting configurations, dealt in rounds."""
    by_family = [(family, family.portfolio(problem)) for family in families]
    rounds = max((len(configurations) for _, configurations in by_family), default=0)
    return [
        (family, configurations[turn])
        for turn in range(rounds)
        for family, configurations in by_family
        if turn < len(configurations)
    ]


def contains(space: Space, params: Params) -> bool:
    """Whether a configuration lies within a space, so that the sampler can learn from it."""
    return space.keys() == params.keys() and all(_within(space[name], value) for name, value in params.items())


def _within(dimension: Dimension, value: Any) -> bool:
    if isinstance(dimension, Choice):
        return value in dimension.values
    return bool(dimension.low <= value <= dimension.high)


class Sampler:
    """Optuna's tree-structured Parzen estimator, asked for a configuration and told its utility (more is better)."""

    def __init__(self, families: tuple[Family, ...], problem: Problem, seed: int) -> None:
        import optuna
        from optuna.exceptions import ExperimentalWarning

        optuna.logging.set_verbosity(optuna.logging.ERROR)
        warnings.filterwarnings("ignore", category=ExperimentalWarning)
        self._optuna = optuna
        self._families = {family.name: family for family in families if family.space(problem)}
        self._spaces = {name: family.space(problem) for name, family in self._families.items()}
        sampler = optuna.samplers.TPESampler(seed=seed, multivariate=True, group=True, n_startup_trials=6)
        self._study = optuna.create_study(direction="maximize", sampler=sampler)

    def learn(self, family: str, params: Params, utility: float) -> None:
        """Tell of a configuration that was tried without being asked for; one outside the space is left out."""
        if family not in self._spaces or not contains(self._spaces[family], params):
            return
        named = {"family": family} | {f"{family}.{name}": value for name, value in params.items()}
        distributions = {"family": self._family_distribution()}
        distributions |= {f"{family}.{name}": self._distribution(d) for name, d in self._spaces[family].items()}
        self._study.add_trial(self._optuna.trial.create_trial(params=named, distributions=distributions, value=utility))

    def ask(self) -> tuple[Proposal, Any]:
        """A configuration and the ticket to tell its utility with."""
        trial = self._study.ask()
        family = trial.suggest_categorical("family", list(self._families))
        params = {name: self._suggest(trial, f"{family}.{name}", d) for name, d in self._spaces[family].items()}
        return (self._families[family], params), trial

    def tell(self, ticket: Any, utility: float | None) -> None:
        """Report the utility of an asked configuration; None when it could not be tried."""
        if utility is None:
            self._study.tell(ticket, state=self._optuna.trial.TrialState.FAIL)
        else:
            self._study.tell(ticket, utility)

    def _family_distribution(self) -> Any:
        return self._optuna.distributions.CategoricalDistribution(list(self._families))

    def _distribution(self, dimension: Dimension) -> Any:
        kinds = self._optuna.distributions
        match dimension:
            case Integer(low, high, log):
                return kinds.IntDistribution(low, high, log=log)
            case Real(low, high, log):
                return kinds.FloatDistribution(low, high, log=log)
            case Choice(values):
                return kinds.CategoricalDistribution(values)

    @staticmethod
    def _suggest(trial: Any, name: str, dimension: Dimension) -> Any:
        match dimension:
            case Integer(low, high, log):
                return trial.suggest_int(name, low, high, log=log)
            case Real(low, high, log):
                return trial.suggest_float(name, low, high, log=log)
            case Choice(values):
                return trial.suggest_categorical(name, values)
