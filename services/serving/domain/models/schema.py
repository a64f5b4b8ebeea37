"""What a model reads and answers: its inputs, its kind of task and its classes."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from functools import cached_property
from typing import NamedTuple


class Kind(Enum):
    """How a model reads a column."""

    NUMBER = "number"
    TEXT = "text"
    DATETIME = "datetime"
    BOOLEAN = "boolean"


class TaskType(Enum):
    """What kind of prediction a model makes."""

    BINARY = "binary"
    MULTICLASS = "multiclass"
    REGRESSION = "regression"


@dataclass(frozen=True)
class InputColumn:
    """One column a model reads; tensor is its name in the ONNX graph."""

    name: str
    kind: Kind
    tensor: str


class Layout(NamedTuple):
    """The inputs' names, whether each is a text, where numbers and texts are among them, where each of them is in the
    numbers followed by the texts, and where datetimes are among the numbers.
    """

    names: tuple[str, ...]
    texts: tuple[bool, ...]
    number_places: tuple[int, ...]
    text_places: tuple[int, ...]
    order: tuple[int, ...]
    datetimes: tuple[int, ...]


@dataclass(frozen=True)
class Schema:
    """A model's inputs in order, its task and its class labels (empty for regression)."""

    task: TaskType
    classes: tuple[str, ...]
    inputs: tuple[InputColumn, ...]

    @cached_property
    def by_name(self) -> dict[str, InputColumn]:
        """Return the inputs by column name."""
        return {column.name: column for column in self.inputs}

    @cached_property
    def layout(self) -> Layout:
        """Return how the inputs lie, for what reads a row at once."""
        texts = tuple(column.kind is Kind.TEXT for column in self.inputs)
        number_places = tuple(place for place, is_text in enumerate(texts) if not is_text)
        text_places = tuple(place for place, is_text in enumerate(texts) if is_text)
        stacked = (*number_places, *text_places)
        order = tuple(stacked.index(place) for place in range(len(texts)))
        datetimes = tuple(
            index for index, place in enumerate(number_places) if self.inputs[place].kind is Kind.DATETIME
        )
        return Layout(tuple(column.name for column in self.inputs), texts, number_places, text_places, order, datetimes)

    @cached_property
    def all_numeric(self) -> bool:
        """Return whether one numeric matrix can carry every input."""
        return all(column.kind is not Kind.TEXT for column in self.inputs)
