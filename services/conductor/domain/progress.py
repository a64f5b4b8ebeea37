"""How far a workflow is."""

from __future__ import annotations

# About how long each stage takes beside the others, in the order in which they run.
WEIGHTS = {
    "parse_intent": 1,
    "data_source": 1,
    "profile": 4,
    "prepare": 6,
    "select_models": 1,
    "train": 75,
    "review": 1,
    "export": 11,
}


def overall(stage: str, within: float = 0.0) -> float:
    """Return the progress, 0 to 1, of a workflow that is this far (0 to 1) within a stage."""
    before = 0
    for name, weight in WEIGHTS.items():
        if name == stage:
            return (before + weight * within) / sum(WEIGHTS.values())
        before += weight
    raise KeyError(stage)
