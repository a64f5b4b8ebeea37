"""Experiments to protobuf."""

from __future__ import annotations

import math
from datetime import datetime

from fairlead.api.common.v1 import table_pb2
from fairlead.api.drift.v1 import experiment_pb2

from .adapters.prediction_reader import TASKS
from .convert import timestamp
from .domain.experiments import sequential
from .domain.experiments.arm_metrics import ArmMetric, arm_metrics
from .domain.experiments.experiment import ArmResult, Comparison, Difference, Experiment, Verdict
from .domain.experiments.experiment_words import message, rounded, summary
from .domain.experiments.losses import METRICS

VERDICTS = {
    Verdict.CHALLENGER_BETTER: experiment_pb2.EXPERIMENT_VERDICT_CHALLENGER_BETTER,
    Verdict.CHAMPION_BETTER: experiment_pb2.EXPERIMENT_VERDICT_CHAMPION_BETTER,
    Verdict.UNDECIDED: experiment_pb2.EXPERIMENT_VERDICT_UNDECIDED,
    Verdict.TOO_FEW_TRUTHS: experiment_pb2.EXPERIMENT_VERDICT_TOO_FEW_TRUTHS,
    Verdict.NOT_COMPARABLE: experiment_pb2.EXPERIMENT_VERDICT_NOT_COMPARABLE,
}
TASK_TYPES = {task: number for number, task in TASKS.items()}


def experiment_name(deployment: str) -> str:
    """Return the name of a deployment's experiment."""
    return f"{deployment}/experiment"


def to_experiment(deployment: str, experiment: Experiment, end_time: datetime | None) -> experiment_pb2.Experiment:
    """Return an experiment as the API has it."""
    first = experiment.splits[0]
    tasks = [result.arm.task for result in experiment.arms if result.arm is not None]
    return experiment_pb2.Experiment(
        name=experiment_name(deployment),
        deployment=deployment,
        number=first.experiment,
        begin_time=timestamp(first.begin_time),
        end_time=timestamp(end_time),
        arms=[_arm(arm) for arm in experiment.arms],
        comparisons=[_comparison(experiment, each) for each in experiment.comparisons],
        metric=METRICS[tasks[0]][0].name if tasks else "",
        confidence=1 - sequential.ALPHA,
        summary=summary(experiment),
    )


def _arm(result: ArmResult) -> experiment_pb2.ExperimentArm:
    target, arm = result.target, result.arm
    found = experiment_pb2.ExperimentArm(
        model_version=target.model_version, shadow=target.shadow, champion=result.champion, percent=target.percent
    )
    if arm is None:
        return found
    told = arm.tallies[0]
    found.MergeFrom(
        experiment_pb2.ExperimentArm(
            request_count=arm.request_count,
            row_count=arm.row_count,
            estimated_row_count=round(arm.answered_rows),
            feedback_request_count=told.requests,
            feedback_row_count=told.rows,
            task_type=TASK_TYPES.get(arm.task, table_pb2.TASK_TYPE_UNSPECIFIED),
            metrics=[_metric(metric) for metric in arm_metrics(arm)],
        )
    )
    return found


def _metric(metric: ArmMetric) -> experiment_pb2.ArmMetric:
    known = bool(metric.interval)
    return experiment_pb2.ArmMetric(
        metric=metric.metric,
        value=metric.value,
        lower=metric.lower if known else None,
        upper=metric.upper if known else None,
        interval=metric.interval,
    )


def _comparison(experiment: Experiment, comparison: Comparison) -> experiment_pb2.ArmComparison:
    needed = comparison.truths_needed
    return experiment_pb2.ArmComparison(
        model_version=comparison.target.model_version,
        shadow=comparison.target.shadow,
        verdict=VERDICTS[comparison.verdict],
        differences=[_difference(each) for each in comparison.differences],
        truths_needed=rounded(needed) if needed is not None else None,
        message=message(experiment, comparison),
    )


def _difference(difference: Difference) -> experiment_pb2.MetricDifference:
    known = math.isfinite(difference.upper)
    return experiment_pb2.MetricDifference(
        metric=difference.metric.name,
        difference=difference.value,
        lower=difference.lower if known else None,
        upper=difference.upper if known else None,
        p_value=difference.p_value if known else None,
    )
