"""The truth of earlier predictions, checked and handed on."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from fairlead.kit.errors import FieldViolation, InvalidArgument

from .models.model import ModelSource
from .models.schema import Schema, TaskType
from .traffic.deployment import Deployment

LARGEST_VALUE = 1e50
"""A larger number is no measurement: drift leaves it out, since the sums of its squares would be no numbers."""
NAMED_CLASSES = 20


@dataclass(frozen=True)
class Truth:
    """What turned out to be right for one row (from 0) of a predicted request."""

    request_id: str
    row: int
    value: str


class FeedbackSink(Protocol):
    """Where feedback goes."""

    def publish(self, deployment: str, truths: Sequence[Truth]) -> None:
        """Keep the truths; they are durable when this returns. Raises Unavailable."""


class Schemas(Protocol):
    """What is known of models without loading them."""

    def find(self, source: ModelSource) -> Schema | None:
        """Return a model's schema, None where it can't be told now."""


class Feedback:
    """Takes feedback for deployments."""

    def __init__(self, sink: FeedbackSink, schemas: Schemas) -> None:
        self._sink = sink
        self._schemas = schemas

    def accept(self, deployment: Deployment, truths: Sequence[Truth]) -> int:
        """Return how many truths were kept: all or none.

        Raises InvalidArgument naming each truth without request id or value, with a negative row, or with a value that
        no model of the deployment could have predicted; Unavailable where the event log is away, so that the caller
        sends them again.
        """
        schemas = self._known(deployment) if truths else ()
        violations = [violation for index, truth in enumerate(truths) for violation in _problems(index, truth, schemas)]
        if violations:
            first = violations[0]
            more = f" (and {len(violations) - 1} more; see the errors)" if len(violations) > 1 else ""
            raise InvalidArgument(
                f"{first.field}: {first.description}{more}; none of the {len(truths)} truths was recorded",
                violations=violations,
            )
        if truths:
            self._sink.publish(deployment.name, truths)
        return len(truths)

    def _known(self, deployment: Deployment) -> Sequence[Schema]:
        """Return what truths may be of: the split's models and those of the split before, whose truths still come.

        Empty where either is not known: what can't be judged is kept, for drift to judge.
        """
        schemas = []
        for split in filter(None, (deployment.traffic, deployment.previous_traffic)):
            # The models of one split are alike, so any tells of all.
            schema = next(filter(None, (self._schemas.find(target.source) for target in split)), None)
            if schema is None:
                return ()
            schemas.append(schema)
        return schemas


def _problems(index: int, truth: Truth, schemas: Sequence[Schema]) -> list[FieldViolation]:
    problems = []
    if not truth.request_id:
        problems.append(FieldViolation(f"truths[{index}].request_id", "must be the id that the prediction had"))
    if truth.row < 0:
        problems.append(FieldViolation(f"truths[{index}].row", "must be the row within the request, from 0"))
    if not truth.value:
        problems.append(FieldViolation(f"truths[{index}].value", "must be the class label, or the number as text"))
    elif schemas and not any(_fits(truth.value, schema) for schema in schemas):
        problems.append(FieldViolation(f"truths[{index}].value", _unfit(truth.value, schemas[0])))
    return problems


def _fits(value: str, schema: Schema) -> bool:
    """Return whether a model can have meant this: one of its classes, also where it is the same number, or a number."""
    number = _number(value)
    if schema.task is TaskType.REGRESSION:
        # A comparison that is false for NaN too.
        return abs(number) <= LARGEST_VALUE
    return value in schema.classes or any(_number(label) == number for label in schema.classes)


def _unfit(value: str, schema: Schema) -> str:
    shown = repr(value) if len(value) <= 100 else f"{value[:100]!r}..."
    if schema.task is TaskType.REGRESSION:
        return f"{shown} is no finite number, or too large a one"
    named = ", ".join(schema.classes[:NAMED_CLASSES])
    more = len(schema.classes) - NAMED_CLASSES
    return f"{shown} is none of the model's classes: {named}{f' and {more} more' if more > 0 else ''}"


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return math.nan
