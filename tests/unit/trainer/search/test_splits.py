"""Which rows are held out and folded."""

from __future__ import annotations

import numpy as np

from services.trainer.domain.search import choose_folds, make_folds, split_holdout

TARGET = np.array([0.0] * 700 + [1.0] * 290 + [2.0] * 9 + [3.0])


def test_the_holdout_keeps_the_classes_shares() -> None:
    train, holdout = split_holdout(TARGET, "multiclass", 0.2, seed=0)
    assert len(np.intersect1d(train, holdout)) == 0
    assert len(train) + len(holdout) == len(TARGET)
    assert [int((TARGET[holdout] == label).sum()) for label in range(4)] == [140, 58, 2, 0]


def test_a_class_of_one_row_stays_in_the_training_part() -> None:
    train, _ = split_holdout(TARGET, "multiclass", 0.5, seed=0)
    assert set(TARGET[train]) == {0.0, 1.0, 2.0, 3.0}


def test_the_same_seed_holds_out_the_same_rows() -> None:
    first, second = (split_holdout(TARGET, "binary", 0.2, seed=5)[1] for _ in range(2))
    assert np.array_equal(first, second)
    assert not np.array_equal(first, split_holdout(TARGET, "binary", 0.2, seed=6)[1])


def test_each_row_is_validated_once_a_repetition() -> None:
    folds = make_folds(TARGET, "multiclass", folds=5, repetitions=2, seed=0)
    assert len(folds) == 10
    validated = np.bincount(np.concatenate([validation for _, validation in folds]), minlength=len(TARGET))
    assert (validated == 2).all()
    assert all(len(np.intersect1d(train, validation)) == 0 for train, validation in folds)


def test_folds_are_stratified() -> None:
    for _, validation in make_folds(TARGET, "binary", folds=5, repetitions=1, seed=0):
        assert 138 <= (TARGET[validation] == 0.0).sum() <= 142


def test_small_tables_get_more_fits_than_large_ones() -> None:
    fits = [folds * repetitions for folds, repetitions in map(choose_folds, (300, 2_000, 30_000, 500_000))]
    assert fits == sorted(fits, reverse=True)
    assert fits[0] > fits[-1]
