"""Answers and truths into the arms of experiments."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from fairlead.api.events.v1 import events_pb2

from .adapters.experiment_store import ArmKey
from .adapters.prediction_reader import TASKS, sampling_rate_of
from .adapters.request_store import Request
from .adapters.work import Work
from .domain.experiments.arm import new_arm
from .domain.experiments.split import split_of
from .domain.performance import Answer

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def count_answers(work: Work, batch: events_pb2.PredictionBatch, requests: Sequence[Request]) -> list[Request]:
    """Count the requests of a batch in, each in the split it was answered in; return them with the splits' numbers."""
    task = TASKS.get(batch.task_type)
    if task is None:
        return list(requests)
    placed = [replace(each, split=_split(work, batch.deployment, each)) for each in requests]
    for number in {each.split for each in placed} - {0}:
        key = ArmKey(batch.deployment, number, batch.model_version, batch.shadow)
        mine = [each for each in placed if each.split == number]
        arm = work.arm(key) or new_arm(task, batch.classes)
        # Later parts of a request are of one that was counted.
        whole, rows = sum(not each.first_row for each in mine), sum(len(each.answers) for each in mine)
        work.change_arm(key, arm.answered(whole, rows, sampling_rate_of(batch)))
    return placed


def count_truth(work: Work, deployment: str, first: Request, answer: Answer, truth: str, former: str | None) -> Request:
    """Count the truth of a row in, which replaces the former one, if any.

    Takes the first part of the row's request, and returns it with the losses of the whole request after it: what chance
    divides among versions is requests, and the events in which they come are none of its doing.
    Raises ValueError for a truth that can't be read; nothing is counted then.
    """
    key = ArmKey(deployment, first.split, first.model_version, first.shadow)
    arm = work.arm(key) if first.split else None
    if arm is None:
        return first
    arm, losses = arm.told(first.losses, answer, truth, former)
    work.change_arm(key, arm)
    return replace(first, losses=losses)


def has_shadows(work: Work, deployment: str) -> bool:
    """Return whether any split of the deployment has a shadow."""
    return any(target.shadow for split in work.splits(deployment) for target in split.targets)


def _split(work: Work, deployment: str, request: Request) -> int:
    """Return the number of the split that a request was answered in, 0 for none."""
    time = _EPOCH + timedelta(microseconds=request.time_ns // 1000)
    split = split_of(work.splits(deployment), request.model_version, request.shadow, time)
    return split.number if split else 0
