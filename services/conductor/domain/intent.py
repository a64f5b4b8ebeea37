"""What a person wants, read from plain words and from explicit fields."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

from fairlead.kit.errors import FieldViolation, InvalidArgument

DEFAULT_BUDGET_SECONDS = 60.0
SHORTEST_BUDGET_SECONDS = 5.0
FAMILIES = ("linear", "naive_bayes", "decision_tree", "random_forest", "extra_trees", "lightgbm", "xgboost")
# What people write for a metric, and its name here.
METRICS = {
    "roc auc": "roc_auc",
    "auc": "roc_auc",
    "log loss": "log_loss",
    "balanced accuracy": "balanced_accuracy",
    "accuracy": "accuracy",
    "f1": "f1_macro",
    "rmse": "rmse",
    "mae": "mae",
    "r2": "r2",
}
_UNITS = {"s": 1.0, "m": 60.0, "h": 3600.0}
_END = r"(?=\s+(?:from|using|in|on|with|within|for|by|under|as)\b|[.,;]|$)"
_TARGET = re.compile(rf"\b(?:predict|forecast|classify|estimate)\s+(?:the\s+)?(?P<target>.+?){_END}", re.IGNORECASE)
_DATASET = re.compile(
    r"\b(?:from|using|on)\s+(?:the\s+)?(?:(?:dataset|table|file)\s+)?(?P<dataset>[a-z][a-z0-9-]*)", re.I
)
_BUDGET = re.compile(r"(?P<number>\d+(?:\.\d+)?)\s*(?P<unit>s|m|h)(?:ec(?:ond)?s?|in(?:ute)?s?|(?:ou)?rs?)?\b", re.I)


@dataclass(frozen=True)
class Intent:
    """A wish in the terms of the platform; an empty field was not said."""

    dataset: str = ""
    target: str = ""
    budget_seconds: float = 0.0
    metric: str = ""
    families: tuple[str, ...] = ()


def read_goal(goal: str) -> Intent:
    """Return what a goal such as "predict income from adult within 60 s by auc" says."""
    words = re.sub(r"[\s_-]+", " ", goal.lower())
    target, dataset, budget = _TARGET.search(goal), _DATASET.search(goal), _BUDGET.search(goal)
    return Intent(
        dataset=dataset["dataset"] if dataset else "",
        target=target["target"].strip("\"'` ") if target else "",
        budget_seconds=float(budget["number"]) * _UNITS[budget["unit"].lower()] if budget else 0.0,
        metric=next((name for said, name in METRICS.items() if re.search(rf"\b{said}\b", words)), ""),
        families=tuple(family for family in FAMILIES if re.search(rf"\b{family.replace('_', ' ')}\b", words)),
    )


def form_intent(
    goal: str, dataset: str, target: str, budget_seconds: float, metric: str, families: Sequence[str]
) -> Intent:
    """Return the goal's intent with the explicit fields over it, complete but for a target to be guessed.

    Raises InvalidArgument where no dataset is named, or a field can't be met.
    """
    said = read_goal(goal)
    intent = replace(
        said,
        dataset=dataset or said.dataset,
        target=target or said.target,
        budget_seconds=budget_seconds or said.budget_seconds or DEFAULT_BUDGET_SECONDS,
        metric=metric or said.metric,
        families=tuple(families) or said.families,
    )
    violations = [*_violations(intent)]
    if violations:
        raise InvalidArgument("; ".join(v.description for v in violations), violations=violations)
    return intent


def _violations(intent: Intent) -> list[FieldViolation]:
    found = []
    if not intent.dataset:
        found.append(FieldViolation("dataset", 'name a dataset, or say it in the goal: "predict income from adult"'))
    if intent.budget_seconds < SHORTEST_BUDGET_SECONDS:
        found.append(FieldViolation("budget", f"the budget must be at least {SHORTEST_BUDGET_SECONDS:.0f} s"))
    if intent.metric and intent.metric not in METRICS.values():
        known = ", ".join(dict.fromkeys(METRICS.values()))
        found.append(FieldViolation("metric", f"'{intent.metric}' is no metric; choose one of {known}"))
    unknown = [family for family in intent.families if family not in FAMILIES]
    if unknown:
        found.append(
            FieldViolation(
                "families", f"no model family is called {', '.join(unknown)}; choose of {', '.join(FAMILIES)}"
            )
        )
    return found
