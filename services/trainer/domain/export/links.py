"""From raw scores to predictions."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from .graph import GraphWriter, Value


def identity(writer: GraphWriter, raw: Value) -> Value:
    """The score itself."""
    del writer
    return raw


def logistic(writer: GraphWriter, raw: Value) -> Value:
    """Probabilities [n, 2] of a score [n, 1] for the second class."""
    return complement(writer, writer.node("Sigmoid", raw))


def softmax(writer: GraphWriter, raw: Value) -> Value:
    """Probabilities [n, classes] of a score for each class."""
    return writer.node("Softmax", raw, axis=1)


def exponential(writer: GraphWriter, raw: Value) -> Value:
    """Values [n, 1] whose logarithm the score is."""
    return writer.node("Exp", raw)


def complement(writer: GraphWriter, positive: Value) -> Value:
    """Probabilities [n, 2] of the second class's [n, 1]."""
    return writer.concat([writer.node("Sub", 1.0, positive), positive])


LINKS: Mapping[str, Callable[[GraphWriter, Value], Value]] = {
    "identity": identity,
    "logistic": logistic,
    "softmax": softmax,
    "exponential": exponential,
    "complement": complement,
}
