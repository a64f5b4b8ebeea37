"""The training rows cut into folds and prepared for each family; what was prepared is kept while memory allows."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable

from ..families import Array, Family
from ..metrics import Metric
from ..preparation import FittedPreparation
from ..table import TrainingTable
from .fitting import Fitter, Sample
from .splits import Fold
from .trial import FoldResult, Trial

_CACHE_BYTES = 400_000_000


# Fits the preparation of a family on a table's rows; returns it with those rows' own features [n, k], which differ
# from what it makes of them later where an encoding looks at the target.
FitPreparation = Callable[[TrainingTable, str], tuple[FittedPreparation, Array]]


class FoldedTable:
    """Folds of a table; a preparation is fitted on each fold's training rows alone, so that nothing leaks."""

    def __init__(
        self,
        table: TrainingTable,
        folds: tuple[Fold, ...],
        fit_preparation: FitPreparation,
        flavour: Callable[[str], str],
        fitter: Fitter,
        metric: Metric,
    ) -> None:
        self.table = table
        self.target = table.target_numbers()
        self.folds = folds
        self.fitter = fitter
        self.metric = metric
        self._fit_preparation = fit_preparation
        self._flavour = flavour
        self._prepared: OrderedDict[tuple[str, int], tuple[Sample, Sample]] = OrderedDict()
        self._columns: dict[str, int] = {}
        self._prepare_seconds: dict[str, float] = {}

    def columns(self, family: Family) -> int:
        """Prepared columns that a family sees."""
        self.samples(family, 0)
        return self._columns[self._flavour(family.name)]

    def expected_seconds(self, family: Family, trial: Trial, fold: int) -> float:
        """Seconds that preparing and fitting one fold is expected to stay below."""
        problem = self.fitter.problem(len(self.folds[fold][0]), self.columns(family))
        flavour = self._flavour(family.name)
        preparing = 0.0 if (flavour, fold) in self._prepared else self._prepare_seconds.get(flavour, 0.0)
        return preparing + self.fitter.estimator.seconds(family, problem, trial.params)

    def fit(self, family: Family, trial: Trial, fold: int, seconds: float) -> FoldResult | None:
        """Fit a trial on a fold within about `seconds` and score it on the fold's validation rows."""
        train, validation = self.samples(family, fold)
        started = self.fitter.clock()
        fitted = self.fitter.fit(family, trial.params, train, validation, seconds)
        if fitted is None:
            return None
        predictions = fitted.predict(validation.features)
        took = self.fitter.clock() - started
        score = self.metric.compute(self.target[self.folds[fold][1]], predictions)
        return FoldResult(fold, score, took, predictions, fitted.fit.params, fitted.fit.truncated)

    def samples(self, family: Family, fold: int) -> tuple[Sample, Sample]:
        """Prepared training and validation rows of a fold."""
        key = (self._flavour(family.name), fold)
        if key not in self._prepared:
            started = self.fitter.clock()
            self._prepared[key] = self._prepare(family, fold)
            self._columns[key[0]] = self._prepared[key][0].features.shape[1]
            self._prepare_seconds[key[0]] = self.fitter.clock() - started
            while len(self._prepared) > 1 and self._bytes() > _CACHE_BYTES:
                self._prepared.popitem(last=False)
        self._prepared.move_to_end(key)
        return self._prepared[key]

    def _prepare(self, family: Family, fold: int) -> tuple[Sample, Sample]:
        train_rows, validation_rows = self.folds[fold]
        train, validation = self.table.take(train_rows), self.table.take(validation_rows)
        transformer, features = self._fit_preparation(train, family.name)
        return (
            Sample(features, self.target[train_rows]),
            Sample(transformer.transform(validation.columns), self.target[validation_rows]),
        )

    def _bytes(self) -> int:
        return sum(sample.features.nbytes for pair in self._prepared.values() for sample in pair)
