"""How a deployment's requests are divided among model versions, and who gets which keys.

The hash of a routing key is one of SLOTS slots, and each version that answers owns spans of them. When shares change,
versions keep the slots they have as far as they may, so only the share that must move moves. Spans are kept with the
split: every process answers the same key with the same version, also after a restart.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from fairlead.kit.errors import FailedPrecondition, FieldViolation, InvalidArgument

from ..models.model import Model, ModelSource
from ..models.schema import Schema

SLOTS = 1_000_000
SMALLEST_PERCENT = 0.01
MOST_TARGETS = 32
TOLERANCE = 1e-6

Span = tuple[int, int]
"""Slots from the first up to, not including, the second."""


@dataclass(frozen=True)
class Target:
    """A model version's part: the percentage of requests it answers and the slots it owns; a shadow has neither."""

    model_version: str
    package_blob: str
    percent: float = 0.0
    shadow: bool = False
    spans: tuple[Span, ...] = ()

    @property
    def source(self) -> ModelSource:
        """Return where its model comes from."""
        return ModelSource(self.model_version, self.package_blob)


Traffic = tuple[Target, ...]
"""A split: the champion first, then those that challenge it, then shadows."""


@dataclass(frozen=True)
class Step:
    """A split that is to come; its targets own slots once it is there."""

    time: datetime
    traffic: Traffic


def sole(model_version: str, package_blob: str) -> Traffic:
    """Return the split in which one version answers everything."""
    return (Target(model_version, package_blob, 100.0, spans=((0, SLOTS),)),)


def check_traffic(traffic: Sequence[Target], field: str = "traffic") -> None:
    """Raise InvalidArgument, naming every bad part, where this is no split."""
    problems = [
        FieldViolation(f"{field}[{index}].{part}", problem)
        for index, target in enumerate(traffic)
        for part, problem in _problems(target)
    ]
    if len(traffic) > MOST_TARGETS:
        problems.append(FieldViolation(field, f"has {len(traffic)} targets; at most {MOST_TARGETS} are possible"))
    versions = [target.model_version for target in traffic]
    problems += [
        FieldViolation(f"{field}[{index}].model_version", f"'{version}' is in the split already; name it once")
        for index, version in enumerate(versions)
        if version in versions[:index]
    ]
    numbers = [version.rpartition("/")[2] for version in versions]
    problems += [
        FieldViolation(
            f"{field}[{index}].model_version",
            f"'{version}' has the same number as '{versions[numbers.index(number)]}', and callers of the Open "
            "Inference Protocol name a version of a deployment by its number; serve it as a deployment of its own, or, "
            "where it reads and answers the same, export it once more for another number",
        )
        for index, (version, number) in enumerate(zip(versions, numbers, strict=True))
        if number in numbers[:index] and version not in versions[:index]
    ]
    total = math.fsum(target.percent for target in traffic if not target.shadow)
    if not problems and abs(total - 100.0) > TOLERANCE:
        problems.append(FieldViolation(field, f"the percentages sum to {total:g}; they must sum to 100"))
    if problems:
        raise InvalidArgument(f"{problems[0].field}: {problems[0].description}", violations=problems)


def _problems(target: Target) -> list[tuple[str, str]]:
    if target.shadow:
        return [("percent", "a shadow answers nobody; leave its percentage out")] if target.percent else []
    # A comparison that is false for NaN too.
    if not SMALLEST_PERCENT <= target.percent <= 100.0:
        return [("percent", f"is {target.percent:g}; it must be from {SMALLEST_PERCENT:g} to 100, or make it a shadow")]
    return []


def check_alike(models: Sequence[Model]) -> None:
    """Raise FailedPrecondition where models can't stand in for each other: callers send and read the same for all."""
    first = models[0]
    for model in models[1:]:
        difference = _difference(first.schema, model.schema)
        if difference:
            raise FailedPrecondition(
                f"{model.version} {difference} than {first.version}; versions of one split must be alike, so "
                "serve it as a deployment of its own",
                resource=model.version,
            )


def _difference(one: Schema, other: Schema) -> str:
    if one.task is not other.task:
        return "makes another kind of prediction"
    if one.classes != other.classes:
        return "answers other classes"
    # In the same order, since a matrix is read by it.
    if [(column.name, column.kind) for column in one.inputs] != [(column.name, column.kind) for column in other.inputs]:
        return "reads other inputs"
    return ""


def divided(traffic: Sequence[Target], before: Traffic) -> Traffic:
    """Return a split with its slots, moving as few as possible away from where they were before.

    The champion of before stays the champion while it answers at all: the others challenge it, however large they are.
    """
    answering = [target for target in traffic if not target.shadow]
    champion = before[0].model_version if before else ""
    answering.sort(key=lambda target: target.model_version != champion)
    owned = {target.model_version: target.spans for target in before}
    wanted = _slots(answering)
    kept = [
        _first_slots(owned.get(target.model_version, ()), slots)
        for target, slots in zip(answering, wanted, strict=True)
    ]
    free = _complement([span for spans in kept for span in spans])
    placed = []
    for target, spans, slots in zip(answering, kept, wanted, strict=True):
        gained, free = _take(free, slots - _count(spans))
        placed.append(replace(target, spans=_joined([*spans, *gained])))
    shadows = [replace(target, spans=()) for target in traffic if target.shadow]
    return (*placed, *shadows)


def _slots(targets: Sequence[Target]) -> list[int]:
    """Return how many slots each target has; they sum to SLOTS."""
    ends = []
    total = 0.0
    for target in targets:
        total += target.percent
        ends.append(round(total * SLOTS / 100))
    ends[-1] = SLOTS
    return [end - start for start, end in zip([0, *ends], ends, strict=False)]


def _first_slots(spans: Sequence[Span], slots: int) -> list[Span]:
    return _take(list(spans), min(slots, _count(spans)))[0]


def _take(spans: list[Span], slots: int) -> tuple[list[Span], list[Span]]:
    """Return the first so many slots, and the rest."""
    taken: list[Span] = []
    for index, (start, end) in enumerate(spans):
        if slots <= 0:
            return taken, spans[index:]
        if end - start > slots:
            return [*taken, (start, start + slots)], [(start + slots, end), *spans[index + 1 :]]
        taken.append((start, end))
        slots -= end - start
    return taken, []


def _complement(spans: Sequence[Span]) -> list[Span]:
    free = []
    at = 0
    for start, end in sorted(spans):
        if start > at:
            free.append((at, start))
        at = end
    if at < SLOTS:
        free.append((at, SLOTS))
    return free


def _joined(spans: Sequence[Span]) -> tuple[Span, ...]:
    joined: list[Span] = []
    for start, end in sorted(spans):
        if joined and joined[-1][1] == start:
            joined[-1] = (joined[-1][0], end)
        else:
            joined.append((start, end))
    return tuple(joined)


def _count(spans: Sequence[Span]) -> int:
    return sum(end - start for start, end in spans)
