"""A block of a file as a finished part: its rows read, those that can't be are left out, the others predicted."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import numpy as np
import pyarrow as pa

from ...domain.batches.parts import Fault, Tally
from ...domain.batches.values import MissingTexts
from ...domain.models.model import Model
from ...domain.models.schema import TaskType
from ...domain.requests.columns import Array
from .model_columns import NONE_BAD, ColumnRead, read_column
from .part_writer import PartWriter
from .source import Block, Rows, Source

_SHOWN = 200


class BlockPredictor:
    """Predicts blocks; safe to call from many threads, which work side by side where no Python objects are made."""

    def __init__(
        self, source: Source, model: Model, writer: PartWriter, *, missing: MissingTexts | None, batch_rows: int
    ) -> None:
        """Predict batch_rows at a time: few enough that what the model computes with stays in the processor's cache."""
        self._source = source
        self._model = model
        self._writer = writer
        self._missing = missing
        self._batch_rows = batch_rows

    def __call__(self, block: Block) -> tuple[bytes, int, Tally, list[Fault]]:
        """Return the part's bytes, how many records the block has, what was predicted, and what was left out."""
        rows = self._source.read(block)
        inputs = self._model.schema.inputs
        read = [read_column(column, rows.table.column(column.name), self._missing) for column in inputs]
        bad = _bad_rows(read)
        faults = [*rows.faults, *self._faults(rows, read)]
        columns: tuple[Array, ...] = tuple(column.values for column in read)
        if len(bad):
            good = np.ones(rows.table.num_rows, bool)
            good[bad] = False
            columns = tuple(values[good] for values in columns)
            rows = _only(rows, good)
        output = self._predict(columns, rows.table.num_rows)
        faults.sort(key=lambda fault: fault.record)
        return self._writer.write(rows, columns, output), rows.records, self._tally(output), faults

    def _predict(self, columns: tuple[Array, ...], rows: int) -> Array:
        """Return values [n], or probabilities [n, classes]."""
        regression = self._model.schema.task is TaskType.REGRESSION
        output = np.empty(rows if regression else (rows, len(self._model.schema.classes)))
        for start in range(0, rows, self._batch_rows):
            end = min(start + self._batch_rows, rows)
            prediction = self._model.predict(tuple(values[start:end] for values in columns), end - start)
            output[start:end] = prediction.values if regression else prediction.probabilities
        return output

    def _tally(self, output: Array) -> Tally:
        if self._model.schema.task is TaskType.REGRESSION:
            return Tally(len(output), value_sum=float(output.sum()))
        classes = self._model.schema.classes
        counts = np.bincount(output.argmax(axis=1), minlength=len(classes)).tolist() if len(output) else []
        return Tally(len(output), Counter({name: n for name, n in zip(classes, counts, strict=False) if n}))

    def _faults(self, rows: Rows, read: list[ColumnRead]) -> list[Fault]:
        faults = []
        for column, each in zip(self._model.schema.inputs, read, strict=True):
            if not len(each.bad):
                continue
            values = rows.table.column(column.name).take(pa.array(each.bad))
            for place, value in zip(each.bad.tolist(), values.to_pylist(), strict=True):
                record = rows.places[place] if rows.places is not None else place
                faults.append(Fault(record, column.name, each.reason, str(value)[:_SHOWN]))
        return faults


def _bad_rows(read: list[ColumnRead]) -> Array:
    return np.unique(np.concatenate([NONE_BAD, *(column.bad for column in read)]))


def _only(rows: Rows, good: Array) -> Rows:
    mask = pa.array(good)
    lines = rows.lines.filter(mask) if rows.lines is not None else None
    return replace(rows, table=rows.table.filter(mask), lines=lines)
