"""The metrics a run can be ranked by and is judged with: one file each, listed in METRICS."""

from __future__ import annotations

from .accuracy import ACCURACY
from .balanced_accuracy import BALANCED_ACCURACY
from .f1_macro import F1_MACRO
from .log_loss import LOG_LOSS
from .mae import MAE
from .metric import BINARY, CLASSIFICATION, MULTICLASS, REGRESSION, Array, Metric
from .r2 import R2
from .rmse import RMSE
from .roc_auc import ROC_AUC

METRICS: tuple[Metric, ...] = (ROC_AUC, LOG_LOSS, ACCURACY, F1_MACRO, BALANCED_ACCURACY, RMSE, MAE, R2)

# Ranking by accuracy where there are many classes: it is what people ask of them, and ties are broken by log loss.
_DEFAULTS = {BINARY: ROC_AUC, MULTICLASS: ACCURACY, REGRESSION: RMSE}

__all__ = [
    "BINARY",
    "CLASSIFICATION",
    "METRICS",
    "MULTICLASS",
    "REGRESSION",
    "Array",
    "Metric",
    "compute_all",
    "default_metric",
    "find_metric",
    "metrics_for",
]


def metrics_for(task_type: str) -> tuple[Metric, ...]:
    """The metrics that apply to a task type ("binary", "multiclass" or "regression")."""
    return tuple(metric for metric in METRICS if task_type in metric.task_types)


def default_metric(task_type: str) -> Metric:
    """The metric that ranks candidates when the user names none."""
    return _DEFAULTS[task_type]


def find_metric(name: str, task_type: str) -> Metric:
    """The metric of that name for the task type, or the default for "".

    Raises KeyError with a sentence naming the possible ones.
    """
    if not name:
        return default_metric(task_type)
    for metric in metrics_for(task_type):
        if metric.name == name:
            return metric
    names = ", ".join(metric.name for metric in metrics_for(task_type))
    raise KeyError(f"'{name}' is no metric for a {task_type} target; use one of {names}")


def compute_all(task_type: str, truth: Array, prediction: Array) -> dict[str, float]:
    """Every metric of the task type, by name."""
    return {metric.name: metric.compute(truth, prediction) for metric in metrics_for(task_type)}
