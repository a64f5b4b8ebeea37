"""Making planned splits when their time has come. Every process tries; the store lets one of them make each step."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from fairlead.kit.errors import Aborted, NotFound

from ..models.cache import CacheState
from ..models.model import ModelSource
from .catalog import Catalog
from .deployment import Deployment
from .deployments import Deployments
from .rollout import stop_schedule, take_step
from .split import Step

AHEAD = timedelta(seconds=30)
"""Models of a step are loaded so long before it."""
PATIENCE = timedelta(seconds=10)
"""A model that can't be loaded is tried so long before the plan is given up."""
LOADING_PATIENCE = timedelta(seconds=120)


@dataclass(frozen=True)
class StepOutcome:
    """A step that was made, or why it was not."""

    deployment: str
    time: datetime
    error: str = ""


@dataclass
class _Attempt:
    step: Step
    since: datetime
    awaited: list[ModelSource]
    error: str = ""


class Schedule:
    """The steps of all deployments. To be used by one thread."""

    def __init__(self, deployments: Deployments, catalog: Catalog, *, patience: timedelta = PATIENCE) -> None:
        self._deployments = deployments
        self._catalog = catalog
        self._patience = patience
        self._attempts: dict[str, _Attempt] = {}

    def advance(self, now: datetime) -> list[StepOutcome]:
        """Make the steps that are due and return what came of them.

        Of several that are due, as after a restart, the last one is made. Where a version can't be loaded, the traffic
        stays as it is, and the plan is given up with the reason.
        """
        scheduled = self._catalog.scheduled()
        for name in self._attempts.keys() - {deployment.name for deployment in scheduled}:
            del self._attempts[name]
        outcomes = (self._advance(deployment, now) for deployment in scheduled)
        return [outcome for outcome in outcomes if outcome is not None]

    def _advance(self, deployment: Deployment, now: datetime) -> StepOutcome | None:
        due = [step for step in deployment.steps if step.time <= now]
        step = due[-1] if due else deployment.steps[0]
        if step.time - AHEAD > now:
            return None
        attempt = self._attempts.get(deployment.name)
        if attempt is None or attempt.step != step:
            attempt = _Attempt(step, now, [target.source for target in step.traffic if not target.shadow])
            self._attempts[deployment.name] = attempt
            for target in step.traffic:
                if target.shadow:
                    # Not waited for: the split answers as well without it.
                    self._catalog.cache.begin(target.source)
        self._load(attempt)
        if not due:
            return None
        if not attempt.awaited:
            return self._keep(deployment, take_step(deployment, now), StepOutcome(deployment.name, step.time))
        waited = now - max(attempt.since, step.time)
        if waited < (self._patience if attempt.error else LOADING_PATIENCE):
            return None
        reason = (
            f"the step of {step.time.isoformat()} was not made, and the plan is given up: "
            f"{attempt.error or 'its models did not load in time'}"
        )
        outcome = StepOutcome(deployment.name, step.time, reason)
        return self._keep(deployment, stop_schedule(deployment, reason), outcome)

    def _load(self, attempt: _Attempt) -> None:
        """Load what is not loaded yet, and note the error of what can't be."""
        cache = self._catalog.cache
        for source in list(attempt.awaited):
            status = cache.state(source.model_version)
            if status.state is CacheState.READY:
                # Once is enough: where memory is short, the first may be gone again before the last is there.
                attempt.awaited.remove(source)
                continue
            if status.state is not CacheState.LOADING:
                cache.begin(source)
            # It stays while the next loading is under way.
            attempt.error = status.error or attempt.error

    def _keep(self, current: Deployment, changed: Deployment, outcome: StepOutcome) -> StepOutcome | None:
        del self._attempts[current.name]
        try:
            self._deployments.keep(current, changed)
        except (Aborted, NotFound):
            # Another process made it, or someone changed the deployment; this one follows in a moment.
            return None
        return outcome
