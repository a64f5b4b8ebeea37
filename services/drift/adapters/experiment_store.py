"""The splits of deployments and what each arm did in them, in the database."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import NamedTuple

from sqlalchemy import ColumnElement, Connection, delete, insert, select, update

from ..domain.experiments.arm import Arm
from ..domain.experiments.split import Split, Target
from .state_json import dump_arm, load_arm
from .tables import ARMS, SPLITS

# Splits of a deployment that are kept, with what was counted in them.
KEPT = 200


class ArmKey(NamedTuple):
    """A model version in a split of a deployment."""

    deployment: str
    split: int
    model_version: str
    shadow: bool


def splits_of(connection: Connection, deployment: str) -> tuple[Split, ...]:
    """Return a deployment's splits, oldest first."""
    rows = connection.execute(select(SPLITS).where(SPLITS.c.deployment == deployment).order_by(SPLITS.c.number))
    return tuple(
        Split(row.number, row.experiment, row.begin_time, tuple(Target(*each) for each in json.loads(row.targets)))
        for row in rows
    )


def add_split(connection: Connection, deployment: str, split: Split) -> None:
    """Keep a new split, and forget those before the newest that are kept."""
    targets = [[target.model_version, target.percent, target.shadow] for target in split.targets]
    connection.execute(
        insert(SPLITS).values(
            deployment=deployment,
            number=split.number,
            experiment=split.experiment,
            begin_time=split.begin_time,
            targets=json.dumps(targets),
        )
    )
    oldest = split.number - KEPT
    connection.execute(delete(SPLITS).where(SPLITS.c.deployment == deployment, SPLITS.c.number <= oldest))
    connection.execute(delete(ARMS).where(ARMS.c.deployment == deployment, ARMS.c.split <= oldest))


def find_arm(connection: Connection, key: ArmKey) -> Arm | None:
    """Return an arm, or None."""
    sums = connection.execute(select(ARMS.c.sums).where(*_is(key))).scalar_one_or_none()
    return load_arm(sums) if sums is not None else None


def save_arm(connection: Connection, key: ArmKey, arm: Arm) -> None:
    """Keep a new or changed arm; the caller has its deployment's monitor locked."""
    sums = dump_arm(arm)
    if not connection.execute(update(ARMS).where(*_is(key)).values(sums=sums)).rowcount:
        connection.execute(insert(ARMS).values(**key._asdict(), sums=sums))


def arms_of(connection: Connection, deployment: str, splits: Sequence[Split]) -> dict[tuple[int, str, bool], Arm]:
    """Return the arms of these splits, by split, version and whether it is a shadow."""
    numbers = [split.number for split in splits]
    rows = connection.execute(select(ARMS).where(ARMS.c.deployment == deployment, ARMS.c.split.in_(numbers)))
    return {(row.split, row.model_version, row.shadow): load_arm(row.sums) for row in rows}


def _is(key: ArmKey) -> tuple[ColumnElement[bool], ...]:
    columns = (ARMS.c.deployment, ARMS.c.split, ARMS.c.model_version, ARMS.c.shadow)
    return tuple(column == value for column, value in zip(columns, key, strict=True))
