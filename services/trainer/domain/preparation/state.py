"""What the steps of a preparation work on while it is fitted."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from ..table import TrainingTable
from .blocks import LARGEST, CategoryBlock, Floats, NumberSource
from .flavour import Flavour
from .step import StepReport
from .wording import spell_number

Log = Callable[[str, str, dict[str, object]], None]


@dataclass
class NumberState:
    """A number on its way to a feature: `values` [n] as imputed so far; shift and scale come last."""

    source: NumberSource
    values: Floats
    known: NDArray[np.bool_]
    fill: float = float("nan")
    shift: float = 0.0
    scale: float = 1.0
    scaled: bool = False
    flagged: bool = False


@dataclass
class Encoding:
    """A finished encoding of a category; `training` [n, k] stands in for the rows it was fitted on."""

    block: CategoryBlock
    training: Floats | None = None
    scaled: bool = False
    is_one_hot: bool = False


@dataclass
class CategoryState:
    """A category on its way to features: `labels` [n] is each row's label, `label_of` each raw value's label.

    `missing_label` is the label of missing values ("" unless imputed), `unseen_label` that of values never met (None
    unless rare ones were grouped).
    """

    column: str
    numeric: bool
    labels: NDArray[np.generic]
    label_of: dict[str, str] | dict[float, str]
    missing_label: str = ""
    unseen_label: str | None = None
    encodings: list[Encoding] = field(default_factory=list)

    def counts(self) -> dict[str, int]:
        """Rows of each label, the most frequent first, ties by label; "" is missing."""
        return dict(sorted(Counter(self.labels.tolist()).items(), key=lambda pair: (-pair[1], pair[0])))

    def relabel(self, change: dict[str, str]) -> None:
        """Give other labels to those named in `change`, for rows and raw values alike."""
        self.labels = np.array([*(change.get(label, label) for label in self.labels.tolist()), None], dtype=object)[:-1]
        self.label_of = {raw: change.get(label, label) for raw, label in self.label_of.items()}  # type: ignore[assignment]
        self.missing_label = change.get(self.missing_label, self.missing_label)
        if self.unseen_label is not None:
            self.unseen_label = change.get(self.unseen_label, self.unseen_label)

    def block(self, labels: list[str], table: Floats, unseen: Floats, names: tuple[str, ...]) -> CategoryBlock:
        """A lookup block: row i of `table` [len(labels), k] is that of labels[i]; other values get `unseen` [k]."""
        row_of = {label: row for row, label in enumerate(labels)}
        unseen_row = len(labels)
        pairs = [(raw, row_of[label]) for raw, label in self.label_of.items() if label in row_of]
        return CategoryBlock(
            column=self.column,
            keys=tuple(raw for raw, _ in pairs),  # type: ignore[arg-type]  # all str or all float
            rows=np.array([row for _, row in pairs], dtype=np.int64),
            table=np.vstack([table.reshape(len(labels), -1), unseen.reshape(1, -1)]),
            missing_row=row_of.get(self.missing_label, unseen_row),
            unseen_row=unseen_row if self.unseen_label is None else row_of.get(self.unseen_label, unseen_row),
            names=names,
            numeric=self.numeric,
        )


@dataclass
class FitState:
    """Columns in their present state, the target, and the reports so far.

    `target` is float64 [n]: class positions, or values when `class_count` is 0.
    """

    table: TrainingTable
    target: Floats
    class_count: int
    flavour: Flavour
    seed: int
    log: Log | None = None
    numbers: dict[str, NumberState] = field(default_factory=dict)
    categories: dict[str, CategoryState] = field(default_factory=dict)
    instants: dict[str, str] = field(default_factory=dict)
    reports: list[StepReport] = field(default_factory=list)

    def report(self, step_id: str, kind: str, message: str, rows: int, **meta: object) -> None:
        """Note what a step did and log it."""
        self.reports.append(StepReport(step_id, message, rows))
        if self.log is not None:
            self.log(f"prepare.{kind}", message, {"step": step_id, "rows": rows, **meta})

    def as_category(self, name: str) -> CategoryState:
        """The column as a category; a number becomes one (its distinct values the raw ones)."""
        if name in self.categories:
            return self.categories[name]
        number = self.numbers.pop(name)
        if number.source.part:
            self.numbers[name] = number
            raise ValueError(f"The calendar part '{name}' can't be a category.")
        raw = np.asarray(self.table.columns[number.source.column], dtype=np.float64)
        label_of = {float(value): spell_number(float(value)) for value in np.unique(raw[np.abs(raw) <= LARGEST])}
        missing = "" if np.isnan(number.fill) else spell_number(number.fill)
        labels = np.array([*(label_of.get(value, missing) for value in raw.tolist()), None], dtype=object)[:-1]
        state = CategoryState(number.source.column, True, labels, label_of, missing)
        self.categories[name] = state
        return state


def start(
    table: TrainingTable, target: Floats, class_count: int, flavour: Flavour, seed: int, log: Log | None
) -> FitState:
    """The state before the first step."""
    state = FitState(table, target, class_count, flavour, seed, log)
    for column in table.inputs:
        values = table.columns[column.name]
        if column.kind == "text":
            raw = dict.fromkeys(values.tolist())
            raw.pop("", None)
            state.categories[column.name] = CategoryState(column.name, False, values, {str(v): str(v) for v in raw})
        elif column.kind == "datetime":
            state.instants[column.name] = ""
        else:
            state.numbers[column.name] = number_state(table, NumberSource(column.name))
    return state


def number_state(table: TrainingTable, source: NumberSource) -> NumberState:
    """An untreated number."""
    raw = source.read(table.columns)
    known = np.abs(raw) <= LARGEST
    return NumberState(source, np.where(known, raw, np.nan), known)
