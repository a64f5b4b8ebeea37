"""The fitted winner of a run as bytes, for its export."""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from typing import cast

import cloudpickle

from ..domain.export import FittedModel, WeightedEnsemble
from ..domain.families import Array
from .package import pickle_by_value


@dataclass(frozen=True)
class StoredWinner:
    """A winner and its out-of-fold predictions of the training rows, NaN where there are none."""

    winner: FittedModel | WeightedEnsemble
    candidate: str
    out_of_fold: Array


def dump_winner(winner: StoredWinner) -> bytes:
    """Pickle by value, so that a later version of this service can export it; compressed, as forests are large."""
    facts = {"winner": winner.winner, "candidate": winner.candidate, "out_of_fold": winner.out_of_fold}
    return zlib.compress(pickle_by_value(facts), level=1)


def load_winner(data: bytes) -> StoredWinner:
    """What dump_winner was given."""
    return StoredWinner(**cast(dict[str, object], cloudpickle.loads(zlib.decompress(data))))  # type: ignore[arg-type]
