"""Trials that another attempt finds: whole, in the order of their making, and without those that are damaged."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from fairlead.kit.blobs import open_blob_store
from fairlead.kit.blobs.keys import require_folder_key
from fairlead.kit.errors import Unavailable
from fairlead.kit.tasks import Checkpoints, CheckpointWriter
from services.trainer.adapters.journal import TRIAL, TrialJournal
from services.trainer.domain.families import FAMILIES
from services.trainer.domain.search import FoldResult, Trial


def trial(candidate: str, folds: int = 1) -> Trial:
    results = tuple(
        FoldResult(fold, 0.5 + fold / 10, 1.5, np.arange(6.0).reshape(3, 2) + fold, {"n_estimators": 10 + fold})
        for fold in range(folds)
    )
    family, _, _ = candidate.rpartition("-")
    return Trial(candidate, family, {"depth": 3, "rate": 0.1, "kind": "gini"}, results, "mlflow-1", "sampler")


@pytest.fixture
def checkpoints(tmp_path: Path) -> Checkpoints:
    return Checkpoints(open_blob_store(f"file://{tmp_path}/blobs", tmp_path / "cache"), "projects/shop/tasks/t1")


Attempt = Callable[..., tuple[list[Trial], float]]


@pytest.fixture
def attempt(checkpoints: Checkpoints) -> Attempt:
    """Begin an attempt that makes these trials at the times given, and return what it found of those before."""

    def run(*made: tuple[Trial, float]) -> tuple[list[Trial], float]:
        writer = CheckpointWriter(checkpoints)
        journal = TrialJournal(checkpoints, writer)
        known = journal.load()
        for each, elapsed in made:
            journal.put(each, elapsed)
        writer.close(60)
        return known

    return run


def candidates(trials: list[Trial]) -> list[str]:
    return [trial.candidate for trial in trials]


def test_nothing_is_known_to_the_first_attempt(attempt: Attempt) -> None:
    assert attempt() == ([], 0.0)


def test_a_trial_comes_back_as_it_was(attempt: Attempt) -> None:
    made = trial("lightgbm-1", folds=3)
    attempt((made, 7.25))

    (found,), elapsed = attempt()

    assert elapsed == 7.25
    assert replace(found, results=()) == replace(made, results=())
    for result, wanted in zip(found.results, made.results, strict=True):
        np.testing.assert_array_equal(result.predictions, wanted.predictions)
        assert replace(result, predictions=None) == replace(wanted, predictions=None)


def test_trials_come_back_in_the_order_of_their_making_over_several_attempts(attempt: Attempt) -> None:
    attempt((trial("linear-1"), 1.0), (trial("lightgbm-1"), 2.0), (trial("decision_tree-1"), 3.0))
    attempt((trial("lightgbm-1", folds=2), 4.0), (trial("bayes-1"), 5.0))
    attempt((trial("ada-1"), 6.0))

    found, elapsed = attempt()

    assert candidates(found) == ["linear-1", "lightgbm-1", "decision_tree-1", "bayes-1", "ada-1"]
    assert [len(each.results) for each in found] == [1, 2, 1, 1, 1]
    assert elapsed == 6.0


@pytest.mark.parametrize("damage", [b"", b"PK", b"not an archive", None])
def test_a_damaged_trial_is_left_out_told_and_made_again(
    attempt: Attempt, checkpoints: Checkpoints, damage: bytes | None, capsys: pytest.CaptureFixture[str]
) -> None:
    attempt((trial("linear-1"), 1.0), (trial("linear-2"), 2.0), (trial("linear-3"), 3.0))
    whole = (checkpoints.fetch("linear-2") / TRIAL).read_bytes()
    flipped = whole[: len(whole) // 2] + bytes([whole[len(whole) // 2] ^ 1]) + whole[len(whole) // 2 + 1 :]
    checkpoints.put("linear-2", {TRIAL: flipped if damage is None else damage})

    found, _ = attempt((trial("linear-2"), 4.0))

    assert candidates(found) == ["linear-1", "linear-3"]
    assert "trial=linear-2" in "".join(capsys.readouterr())
    again, _ = attempt()
    assert candidates(again) == ["linear-1", "linear-3", "linear-2"]


def test_what_another_release_kept_in_another_form_is_left_out(attempt: Attempt, checkpoints: Checkpoints) -> None:
    attempt((trial("linear-1"), 1.0))
    checkpoints.put("linear-2", {"trial.json": b"{}"})

    assert candidates(attempt()[0]) == ["linear-1"]


class Away(Checkpoints):
    """A blob store that can't be asked what there is."""

    def names(self) -> list[str]:
        raise Unavailable("S3 can't be reached")


def test_where_trials_can_not_be_looked_for_all_are_made_again(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    checkpoints = Away(open_blob_store(f"file://{tmp_path}/blobs", tmp_path / "cache"), "projects/shop/tasks/t1")

    assert TrialJournal(checkpoints, CheckpointWriter(checkpoints)).load() == ([], 0.0)
    assert "S3 can't be reached" in "".join(capsys.readouterr())


def test_each_candidates_name_can_be_a_part_of_a_key() -> None:
    for family in FAMILIES:
        require_folder_key(f"attempts/t1/{family.name}-1000")
