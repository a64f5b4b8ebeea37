"""Whether a winner may be exported without asking a person."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

LOWER_IS_BETTER = frozenset({"log_loss", "rmse", "mae"})


@dataclass(frozen=True)
class Verdict:
    """Whether a person must decide, and the figures in one sentence."""

    ask: bool
    summary: str


def judge(metric: str, metrics: Mapping[str, float], baseline: Mapping[str, float], require_approval: bool) -> Verdict:
    """Return whether to ask a person: where policy says so, or where the winner does not beat the baseline."""
    if metric not in metrics or metric not in baseline:
        return Verdict(True, f"no held-out {metric} to compare with the baseline")
    won, naive = metrics[metric], baseline[metric]
    figures = f"held-out {metric} {won:.4f}, baseline {naive:.4f}"
    better = won < naive if metric in LOWER_IS_BETTER else won > naive
    if not better:
        return Verdict(True, f"the winner does not beat the baseline: {figures}")
    return Verdict(require_approval, figures)
