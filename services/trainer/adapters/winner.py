"""The fitted winner of a run as bytes, for its export."""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from typing import cast

import cloudpickle

from ..domain.export import FittedModel, WeightedEnsemble
from .package import pickle_by_value


@dataclass(frozen=True)
class StoredWinner:
    """A winner and the name it has on the leaderboard."""

    winner: FittedModel | WeightedEnsemble
    candidate: str


def dump_winner(winner: StoredWinner) -> bytes:
    """Pickle by value, so that a later version of this service can export it; compressed, as forests are large."""
    facts = {"winner": winner.winner, "candidate": winner.candidate}
    return zlib.compress(pickle_by_value(facts), level=1)


def load_winner(data: bytes) -> StoredWinner:
    """What dump_winner was given."""
    return StoredWinner(**cast(dict[str, object], cloudpickle.loads(zlib.decompress(data))))  # type: ignore[arg-type]
