"""The search: probe the portfolio cheaply, finish the best on all folds, then let TPE propose until time is up.

After "fold-first" scheduling in AutoML practice: a configuration is tried on few folds before it is given all of them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from statistics import mean

from ..families import Family, Params
from .budget import Budget
from .folded import FoldedTable
from .proposals import Proposal, Sampler, portfolio
from .trial import Trial

# Called with a trial each time it was fitted on as many folds as it will be for now.
Observer = Callable[[Trial, bool], None]

_PROBE_UNTIL = 0.45
_FINISH_UNTIL = 0.8
_FINISH_AT_MOST = 6
# Families whose best candidate is finished whatever it costs, and the share of the budget that the others' may cost.
_CONTENDERS = 3
_CHEAP = 0.04
# Of the time left after the probes, what finishing the contenders may take.
_FINISH_SHARE = 0.6
_PATIENCE = 25
_MEMBERS = 4


@dataclass(frozen=True)
class SearchPlan:
    """What to search: the families, how many folds a probe takes, and the seed of the sampler."""

    families: tuple[Family, ...]
    probe_folds: int
    seed: int


class Search:
    """One search under a budget; `known` are trials of an earlier attempt, which are not fitted again."""

    def __init__(
        self, folded: FoldedTable, plan: SearchPlan, budget: Budget, observe: Observer, known: Iterable[Trial] = ()
    ) -> None:
        self.folded = folded
        self.plan = plan
        self.budget = budget
        self.trials: dict[str, Trial] = {trial.candidate: trial for trial in known}
        # Folds that a trial must be fitted on to be complete; fewer than there are when time is short.
        self.wanted_folds = len(folded.folds)
        self._observe = observe
        self._families = {family.name: family for family in plan.families}
        self._sign = 1.0 if folded.metric.greater_is_better else -1.0

    def run(self) -> list[Trial]:
        """Every trial that was fitted on at least one fold, complete ones first, best first."""
        self._probe_portfolio()
        self._choose_wanted_folds()
        self._finish_best()
        self._follow_sampler()
        return self.ranked()

    def ranked(self) -> list[Trial]:
        """Trials best first: complete ones before those that were only probed."""
        tried = [trial for trial in self.trials.values() if trial.results]
        return sorted(tried, key=lambda trial: (not self.is_complete(trial), -self.utility(trial)))

    def is_complete(self, trial: Trial) -> bool:
        """Whether a trial was fitted on as many folds as are wanted."""
        return len(trial.results) >= self.wanted_folds

    def utility(self, trial: Trial) -> float:
        """The trial's score, turned so that more is better."""
        return self._sign * trial.score

    def time_left(self) -> float:
        """Seconds left for the search, after those that refitting the likely winners will take."""
        return self.budget.remaining() - self.reserve()

    def reserve(self) -> float:
        """Seconds to keep for the ensemble, the refits and the evaluation on held-out rows."""
        ranked = self.ranked()
        best = [trial for trial in ranked if self.is_complete(trial)][:_MEMBERS] or ranked[:1]
        growth = len(self.folded.folds) / max(1, len(self.folded.folds) - 1)
        refits = sum(mean(result.seconds for result in trial.results) * growth for trial in best)
        return min(0.5 * self.budget.seconds, 0.3 + 0.02 * self.budget.seconds + 1.3 * refits)

    def _probe_portfolio(self) -> None:
        families = self.plan.families
        rows = len(self.folded.folds[0][0])
        problem = self.folded.fitter.problem(rows, self.folded.columns(families[0]))
        for family, params in portfolio(families, problem):
            late = self.budget.elapsed() > _PROBE_UNTIL * self.budget.seconds
            if (
                self._tried(family, params) is not None
                or (late and self._has_results())
                or not self._is_worth_a_probe(family)
            ):
                continue
            self._probe((family, params), "portfolio")

    def _tried(self, family: Family, params: Params) -> Trial | None:
        """The trial of this very configuration, if there is one."""
        same = (t for t in self.trials.values() if t.family == family.name and dict(t.params) == dict(params))
        return next(same, None)

    def _is_worth_a_probe(self, family: Family) -> bool:
        """A family's first configuration always is; a further one only while the family is among the best."""
        seen = any(trial.family == family.name for trial in self.trials.values())
        return not seen or family.name in self._promising_families()

    def _has_results(self) -> bool:
        return any(trial.results for trial in self.trials.values())

    def _probe(self, proposal: Proposal, origin: str) -> Trial | None:
        """Fit a configuration on the probe folds; None when there was no time for even one."""
        family, params = proposal
        number = 1 + sum(trial.family == family.name for trial in self.trials.values())
        trial = self._fit_folds(
            Trial(f"{family.name}-{number}", family.name, params, origin=origin), self.plan.probe_folds
        )
        if not trial.results:
            return None
        self._observe(trial, self.is_complete(trial))
        return trial

    def _choose_wanted_folds(self) -> None:
        """Want fewer folds where the time does not suffice to fit the best of three families on all of them.

        Good candidates on few folds tell more than poor ones that happened to be quick on all.
        """
        best = self._best_by_family()[:_CONTENDERS]
        a_fold = sum(mean(result.seconds for result in trial.results) for trial in best)
        affordable = self.plan.probe_folds + int(_FINISH_SHARE * max(0.0, self.time_left()) / max(a_fold, 1e-6))
        self.wanted_folds = max(self.plan.probe_folds, min(len(self.folded.folds), affordable))

    def _finish_best(self) -> None:
        """Finish the best probe of each family, then the best of what remains.

        A family that is not among the best is finished only where that costs next to nothing: it widens the
        leaderboard and sometimes the ensemble.
        """
        leaders = self._best_by_family()
        for place, trial in enumerate(leaders):
            missing = self.wanted_folds - len(trial.results)
            cost = missing * mean(result.seconds for result in trial.results)
            if place < _CONTENDERS or cost < _CHEAP * self.budget.seconds:
                self._finish(trial)
        names = {trial.candidate for trial in leaders}
        waiting = [t for t in self.ranked() if not self.is_complete(t) and t.candidate not in names]
        for trial in waiting[:_FINISH_AT_MOST]:
            if self.budget.elapsed() < _FINISH_UNTIL * self.budget.seconds:
                self._finish(trial)

    def _best_by_family(self) -> list[Trial]:
        """The best probe of each family, best first."""
        best: dict[str, Trial] = {}
        for trial in sorted((t for t in self.trials.values() if t.results), key=self._probe_utility, reverse=True):
            best.setdefault(trial.family, trial)
        return list(best.values())

    def _finish(self, trial: Trial) -> None:
        if self.is_complete(trial):
            return
        before = len(trial.results)
        missing = self.wanted_folds - before
        if self._expected(self._families[trial.family], trial, before) * missing > self.time_left():
            return  # half of the folds compares with nothing; a cheaper candidate may still make it
        done = self._fit_folds(trial, self.wanted_folds)
        if len(done.results) > before and self.is_complete(done):
            self._observe(done, True)

    def _follow_sampler(self) -> None:
        """Ask, probe, finish what is promising, tell; until time is up or nothing better was found for a while."""
        families = tuple(self._families[name] for name in self._promising_families())
        problem = self.folded.fitter.problem(len(self.folded.folds[0][0]), self.folded.columns(families[0]))
        sampler = Sampler(families, problem, self.plan.seed)
        for trial in self.trials.values():
            if trial.results:
                sampler.learn(trial.family, trial.params, self._probe_utility(trial))
        misses = skipped = 0
        while misses < _PATIENCE and skipped < 5 and self.time_left() > 0.05:
            proposal, ticket = sampler.ask()
            twin = self._tried(*proposal)
            if twin is not None:
                sampler.tell(ticket, self._probe_utility(twin))
                misses += 1
                continue
            best = self._probe_bar(1)
            bar = self._probe_bar(3)
            probed = self._probe(proposal, "sampler")
            if probed is None:
                sampler.tell(ticket, None)
                skipped += 1
                continue
            utility = self._probe_utility(probed)
            sampler.tell(ticket, utility)
            misses = 0 if utility > best else misses + 1
            if utility >= bar:
                self._finish(probed)

    def _promising_families(self) -> list[str]:
        """The families of the best trials, best first, at most four; all when none was tried."""
        seen = [trial.family for trial in self._best_by_family()]
        return seen[:4] or [family.name for family in self.plan.families]

    def _probe_utility(self, trial: Trial) -> float:
        """Utility over the probe folds alone, so that probed and finished trials compare."""
        return self._sign * mean(result.score for result in trial.results[: self.plan.probe_folds])

    def _probe_bar(self, place: int) -> float:
        utilities = sorted((self._probe_utility(t) for t in self.trials.values() if t.results), reverse=True)
        return utilities[min(place, len(utilities)) - 1] if utilities else float("-inf")

    def _fit_folds(self, trial: Trial, folds: int) -> Trial:
        """The trial fitted on its next folds up to `folds`, as far as time allows; kept after each."""
        family = self._families[trial.family]
        for fold in range(len(trial.results), folds):
            first = not self._has_results()
            left = max(self.time_left(), 0.2 * self.budget.seconds if first else 0.0)
            expected = self._expected(family, trial, fold)
            if not first and expected > (2.0 * left if family.interruptible and not trial.results else left):
                break
            # A probe may not eat the time of those after it; a later fold has shown what it costs.
            result = self.folded.fit(family, trial, fold, left if trial.results else max(0.35 * left, 0.1))
            if result is None:
                break
            trial = trial.add(result)
            self.trials[trial.candidate] = trial
        return replace(trial)

    def _expected(self, family: Family, trial: Trial, fold: int) -> float:
        if trial.results:
            return 1.2 * mean(result.seconds for result in trial.results)
        return self.folded.expected_seconds(family, trial, fold)
