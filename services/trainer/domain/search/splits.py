"""Which rows are held out and which make the folds."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from ..metrics import CLASSIFICATION

Rows = NDArray[np.int64]
Fold = tuple[Rows, Rows]


def split_holdout(target: NDArray[np.float64], task_type: str, share: float, seed: int) -> Fold:
    """Row numbers to train on and to hold out, both sorted.

    Classes keep their shares; a class of one row stays in the training part, so that every class can be learnt.
    """
    generator = np.random.default_rng(seed)
    groups: Iterable[Rows]
    if task_type in CLASSIFICATION:
        groups = [np.flatnonzero(target == label) for label in np.unique(target)]
    else:
        groups = [np.arange(len(target))]
    held = []
    for group in groups:
        count = min(round(len(group) * share), len(group) - 1)
        held.append(generator.permutation(group)[: max(count, 1 if len(group) > 4 else 0)])
    holdout = np.sort(np.concatenate(held))
    return np.setdiff1d(np.arange(len(target)), holdout), holdout


def choose_folds(rows: int) -> tuple[int, int]:
    """Folds and repetitions by the number of training rows: small tables are noisy and cheap, so they get more."""
    if rows < 1000:
        return 5, 3
    if rows < 3000:
        return 8, 1
    return (5, 1) if rows < 100_000 else (3, 1)


def make_folds(
    target: NDArray[np.float64], task_type: str, folds: int, repetitions: int, seed: int
) -> tuple[Fold, ...]:
    """(training rows, validation rows) of each fold; each row is validated once a repetition.

    Classes are dealt out evenly over the folds. Rows of classes with fewer rows than folds are missing from some.
    """
    generator = np.random.default_rng(seed + 1)
    every = np.arange(len(target))
    made = []
    for _ in range(repetitions):
        shuffled = generator.permutation(every)
        if task_type in CLASSIFICATION:
            shuffled = shuffled[np.argsort(target[shuffled], kind="stable")]
        assigned = np.empty(len(target), dtype=np.int64)
        assigned[shuffled] = every % folds
        made += [(np.flatnonzero(assigned != fold), np.flatnonzero(assigned == fold)) for fold in range(folds)]
    return tuple(made)
