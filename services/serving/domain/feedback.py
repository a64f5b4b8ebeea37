"""The truth of earlier predictions, checked and handed on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from fairlead.kit.errors import FieldViolation, InvalidArgument


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


class Feedback:
    """Takes feedback for deployments."""

    def __init__(self, sink: FeedbackSink) -> None:
        self._sink = sink

    def accept(self, deployment: str, truths: Sequence[Truth]) -> int:
        """Return how many truths were kept: all or none.

        Raises InvalidArgument naming each truth without request id or value or with a negative row; Unavailable where
        the event log is away, so that the caller sends them again.
        """
        violations = [violation for index, truth in enumerate(truths) for violation in _problems(index, truth)]
        if violations:
            raise InvalidArgument(
                f"{len(violations)} of the truths can't be joined to a prediction; see the violations",
                violations=violations,
            )
        if truths:
            self._sink.publish(deployment, truths)
        return len(truths)


def _problems(index: int, truth: Truth) -> list[FieldViolation]:
    problems = []
    if not truth.request_id:
        problems.append(FieldViolation(f"truths[{index}].request_id", "must be the id that the prediction had"))
    if truth.row < 0:
        problems.append(FieldViolation(f"truths[{index}].row", "must be the row within the request, from 0"))
    if not truth.value:
        problems.append(FieldViolation(f"truths[{index}].value", "must be the class label, or the number as text"))
    return problems
