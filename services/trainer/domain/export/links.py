"""From raw scores to predictions."""

from __future__ import annotations

from .graph import GraphWriter, Value


def identity(writer: GraphWriter, raw: Value) -> Value:
    """The score itself."""
    del writer
    return raw


def logistic(writer: GraphWriter, raw: Value) -> Value:
    """Probabilities [n, 2] of a score [n, 1] for the second class."""
    positive = writer.node("Sigmoid", raw)
    return writer.concat([writer.node("Sub", 1.0, positive), positive])


def softmax(writer: GraphWriter, raw: Value) -> Value:
    """Probabilities [n, classes] of a score for each class."""
    return writer.node("Softmax", raw, axis=1)
