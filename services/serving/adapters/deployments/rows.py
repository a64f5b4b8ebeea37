"""Deployments as rows: one of its own, and one for each target of its splits."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from ...domain.traffic.deployment import Deployment
from ...domain.traffic.split import Step, Target, Traffic, sole
from ..tables import NOW, PREVIOUS, deployment_targets, deployments

_OWN = (
    "project",
    "id",
    "model_version",
    "package_blob",
    "etag",
    "create_time",
    "update_time",
    "in_rollout",
    "schedule_error",
    "pinned",
    "log_sampling_rate",
    "revision",
)
_DERIVED = ("model_version", "package_blob")
_JOINED = [deployments.c[name] for name in _OWN] + [
    column.label(f"target_{column.name}") for column in deployment_targets.c
]


def own_row(deployment: Deployment) -> dict[str, Any]:
    """Return the deployment's own row; the champion is in it too."""
    return {name: getattr(deployment, name) for name in _OWN}


def target_rows(deployment: Deployment) -> list[dict[str, Any]]:
    """Return the rows of its splits."""
    splits: list[tuple[int, datetime | None, Traffic]] = [
        (NOW, None, deployment.traffic),
        (PREVIOUS, None, deployment.previous_traffic),
        *((number, step.time, step.traffic) for number, step in enumerate(deployment.steps, start=1)),
    ]
    return [
        {
            "project": deployment.project,
            "deployment": deployment.id,
            "split": split,
            "place": place,
            "step_time": time,
            "model_version": target.model_version,
            "package_blob": target.package_blob,
            "percent": target.percent,
            "shadow": target.shadow,
            "spans": json.dumps(target.spans),
        }
        for split, time, traffic in splits
        for place, target in enumerate(traffic)
    ]


def select_deployments(chosen: sa.Subquery) -> sa.Select[Any]:
    """Return the query of whole deployments, by project and id; chosen has the projects and ids of those wanted.

    It is one statement, so that no change by others comes between a deployment and its splits.
    """
    is_chosen = (deployments.c.project == chosen.c.project) & (deployments.c.id == chosen.c.id)
    is_its = (deployment_targets.c.project == deployments.c.project) & (
        deployment_targets.c.deployment == deployments.c.id
    )
    joined = deployments.join(chosen, is_chosen)
    return (
        sa.select(*_JOINED)
        .select_from(joined.outerjoin(deployment_targets, is_its))
        .order_by(deployments.c.project, deployments.c.id, deployment_targets.c.split, deployment_targets.c.place)
    )


def read_deployments(rows: Iterable[sa.Row[Any]]) -> Iterator[Deployment]:
    """Return the deployments of such a query's rows."""
    for _, group in itertools.groupby(rows, key=lambda row: (row.project, row.id)):
        yield _deployment(list(group))


def _deployment(rows: Sequence[sa.Row[Any]]) -> Deployment:
    own = {name: getattr(rows[0], name) for name in _OWN if name not in _DERIVED}
    if rows[0].target_split is None:
        # As an earlier version of this service stores it, which may run beside this one while it is replaced.
        return Deployment(**own, traffic=sole(rows[0].model_version, rows[0].package_blob))
    splits = {split: list(group) for split, group in itertools.groupby(rows, key=lambda row: int(row.target_split))}
    steps = tuple(
        Step(splits[number][0].target_step_time, _traffic(splits[number])) for number in sorted(splits) if number > NOW
    )
    return Deployment(
        **own, traffic=_traffic(splits[NOW]), previous_traffic=_traffic(splits.get(PREVIOUS, [])), steps=steps
    )


def _traffic(rows: Sequence[sa.Row[Any]]) -> Traffic:
    return tuple(
        Target(
            row.target_model_version,
            row.target_package_blob,
            row.target_percent,
            row.target_shadow,
            tuple((start, end) for start, end in json.loads(row.target_spans)),
        )
        for row in rows
    )
