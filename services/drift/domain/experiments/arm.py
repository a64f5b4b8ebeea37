"""One model version's part in an experiment: what it answered, and how right that was."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from ..performance import Answer, Performance, Task, joined, new_performance
from .losses import METRICS, losses
from .tally import RequestLoss, Tally

# Of one request, a metric each.
RequestLosses = tuple[RequestLoss, ...]


@dataclass(frozen=True, eq=False)
class Arm:
    """Sums of one version while the split was one; `answered_rows` are those that the logged rows stand for."""

    performance: Performance
    tallies: tuple[Tally, ...]
    request_count: int = 0
    row_count: int = 0
    answered_rows: float = 0.0

    @property
    def task(self) -> Task:
        """Return what it predicts."""
        return self.performance.task

    def answered(self, requests: int, rows: int, sampling_rate: float) -> Arm:
        """Return the arm after logged predictions, of which each stands for 1 / sampling_rate."""
        return replace(
            self,
            request_count=self.request_count + requests,
            row_count=self.row_count + rows,
            answered_rows=self.answered_rows + rows / sampling_rate,
        )

    def told(
        self, request: RequestLosses, answer: Answer, truth: str, former: str | None = None
    ) -> tuple[Arm, RequestLosses]:
        """Return the arm, and the losses of the row's request, after a truth that replaces the former one, if any.

        Raises ValueError for a truth that can't be read; nothing is counted then.
        """
        before = request = request or (RequestLoss(),) * len(self.tallies)
        performance = self.performance
        changes = [(truth, 1)] if former is None else [(truth, 1), (former, -1)]
        for value, weight in changes:
            found = losses(self.task, performance.classes, answer, value)
            request = tuple(each.add(loss, weight) for each, loss in zip(request, found, strict=True))
            performance = joined(performance, answer, value, weight=weight)
        tallies = tuple(tally.changed(old, new) for tally, old, new in zip(self.tallies, before, request, strict=True))
        return replace(self, performance=performance, tallies=tallies), request

    def merge(self, other: Arm) -> Arm:
        """Return both together; of two that do not predict the same the other one alone."""
        mine, theirs = self.performance, other.performance
        if (mine.task, mine.classes) != (theirs.task, theirs.classes):
            return other
        return Arm(
            replace(mine, sums=mine.sums + theirs.sums),
            tuple(one.merge(another) for one, another in zip(self.tallies, other.tallies, strict=True)),
            self.request_count + other.request_count,
            self.row_count + other.row_count,
            self.answered_rows + other.answered_rows,
        )


def new_arm(task: Task, classes: Sequence[str]) -> Arm:
    """Return the arm of a version that has not answered yet."""
    return Arm(new_performance(task, classes), (Tally(),) * len(METRICS[task]))
