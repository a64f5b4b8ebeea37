"""The words of a profile."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum


class Semantic(Enum):
    """What a column means; a value is the contract's name without its prefix."""

    NUMERIC = "NUMERIC"
    INTEGER = "INTEGER"
    CATEGORICAL = "CATEGORICAL"
    BOOLEAN = "BOOLEAN"
    DATETIME = "DATETIME"
    TEXT = "TEXT"
    IDENTIFIER = "IDENTIFIER"
    CONSTANT = "CONSTANT"


class TaskKind(Enum):
    """What kind of prediction a target poses; a value is the contract's name without its prefix."""

    BINARY = "BINARY"
    MULTICLASS = "MULTICLASS"
    REGRESSION = "REGRESSION"


@dataclass(frozen=True)
class Bin:
    """Values from lower (included) to upper (excluded, but in the last bin)."""

    lower: float
    upper: float
    count: int


@dataclass(frozen=True)
class Numbers:
    """Moments, quantiles and a histogram of the values that are not missing."""

    min: float
    max: float
    mean: float
    # Sample standard deviation.
    stddev: float
    skewness: float
    # Excess kurtosis.
    kurtosis: float
    # (probability, value), by linear interpolation.
    quantiles: tuple[tuple[float, float], ...]
    histogram: tuple[Bin, ...]
    outliers: int
    zeros: int
    negatives: int
    # Whether every value is a whole number.
    whole: bool

    def quantile(self, probability: float) -> float:
        """Return one of the kept quantiles."""
        return dict(self.quantiles)[probability]


@dataclass(frozen=True)
class Level:
    """A value and how many rows have it."""

    value: str
    count: int


@dataclass(frozen=True)
class ColumnProfile:
    """All that is known about one column."""

    name: str
    # The stored DuckDB type.
    type: str
    # Rows with a value, and without.
    count: int
    missing: int
    distinct: int
    numbers: Numbers | None = None
    # The most frequent values, the first first; up to 200 of them.
    levels: tuple[Level, ...] = ()
    mean_length: float = 0.0
    mean_words: float = 0.0
    estimated: bool = False
    semantic: Semantic = Semantic.CONSTANT
    reason: str = ""

    @property
    def rows(self) -> int:
        """All rows, with a value or without."""
        return self.count + self.missing

    @property
    def missing_share(self) -> float:
        """The share of rows without a value, 0 for an empty table."""
        return self.missing / self.rows if self.rows else 0.0

    @property
    def is_number(self) -> bool:
        """Whether the column reads as a number."""
        return self.semantic in {Semantic.NUMERIC, Semantic.INTEGER}

    @property
    def is_category(self) -> bool:
        """Whether the column is stored as text and holds categories."""
        return self.type == "VARCHAR" and self.semantic in {Semantic.CATEGORICAL, Semantic.BOOLEAN}


@dataclass(frozen=True)
class Association:
    """How strongly two columns go together."""

    left: str
    right: str
    # pearson (-1 to 1) or cramers_v (0 to 1).
    method: str
    value: float


@dataclass(frozen=True)
class TargetGuess:
    """The column that is likely to be predicted, and why."""

    column: str
    reason: str
    confidence: float


@dataclass(frozen=True)
class Target:
    """What is predicted: a column, and perhaps a comparison that makes two classes of it."""

    column: str
    condition: str = ""


@dataclass(frozen=True)
class TableProfile:
    """All that is known about one table."""

    rows: int
    duplicates: int
    columns: tuple[ColumnProfile, ...]
    associations: tuple[Association, ...]
    # The first rows as texts, by column, for previews.
    head: dict[str, tuple[str, ...]] = field(default_factory=dict)
    guess: TargetGuess | None = None
    target: Target | None = None
    task: TaskKind | None = None
    # The target's classes with their rows, most frequent first; empty for regression.
    classes: tuple[Level, ...] = ()
    # Mean of the target (or share of the rarer or most frequent class) by level, for text columns.
    target_by_level: dict[str, tuple[tuple[str, float], ...]] = field(default_factory=dict)
    sampled_rows: int = 0

    def column(self, name: str) -> ColumnProfile:
        """Return the column of this name. Raises KeyError."""
        return next_or_key_error(self.columns, name)

    @property
    def features(self) -> tuple[ColumnProfile, ...]:
        """Every column but the target."""
        return tuple(c for c in self.columns if self.target is None or c.name != self.target.column)


def next_or_key_error(columns: tuple[ColumnProfile, ...], name: str) -> ColumnProfile:
    """Return the column of this name. Raises KeyError."""
    for column in columns:
        if column.name == name:
            return column
    raise KeyError(name)
