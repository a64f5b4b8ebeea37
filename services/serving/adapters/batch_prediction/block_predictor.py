"""A block of a file as a finished part: its rows read, those that can't be are left out, the others predicted."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import numpy as np
import pyarrow as pa

from ...domain.batch_prediction.parts import FAULTS_TOLD, Tally
from ...domain.batch_prediction.values import MissingTexts
from ...domain.models.model import Model
from ...domain.models.schema import TaskType
from ...domain.requests.columns import Array
from .faults import Faults
from .model_columns import NONE_BAD, ColumnRead, read_column, texts_of
from .part_writer import PartWriter
from .source import Block, Rows, Source


class BlockPredictor:
    """Predicts blocks; safe to call from many threads, which work side by side where no Python objects are made."""

    def __init__(
        self,
        source: Source,
        model: Model,
        writer: PartWriter,
        *,
        missing: MissingTexts | None,
        batch_rows: int,
        most_rejected: int,
    ) -> None:
        """Predict batch_rows at a time: few enough that what the model computes with stays in the processor's cache."""
        self._source = source
        self._model = model
        self._writer = writer
        self._missing = missing
        self._batch_rows = batch_rows
        self._most_rejected = most_rejected

    def __call__(self, block: Block) -> tuple[bytes, int, Tally, Faults]:
        """Return the part's bytes, how many records the block has, what was predicted, and what was left out.

        Raises TooManyFaultsError, before predicting, where that is more than the whole file may have.
        """
        faults = Faults(self._most_rejected)
        rows = self._source.read(block, faults)
        inputs = self._model.schema.inputs
        read = [read_column(column, rows.table.column(column.name), self._missing) for column in inputs]
        bad = _bad_rows(read)
        columns: tuple[Array, ...] = tuple(column.values for column in read)
        if len(bad):
            self._tell(rows, read, bad, faults)
            good = np.ones(rows.table.num_rows, bool)
            good[bad] = False
            columns = tuple(values[good] for values in columns)
            rows = _only(rows, good)
        output = self._predict(columns, rows.table.num_rows)
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

    def _tell(self, rows: Rows, read: list[ColumnRead], bad: Array, faults: Faults) -> None:
        """Tell of every cell that can't be read; of a few where the rows are too many to go on."""
        faults.reject(len(bad))
        last = bad[min(FAULTS_TOLD, len(bad)) - 1] if faults.is_full else bad[-1]
        for column, each in zip(self._model.schema.inputs, read, strict=True):
            told = each.bad[each.bad <= last]
            if len(told):
                values = texts_of(rows.table.column(column.name).take(pa.array(told)).combine_chunks())
                places = told if rows.places is None else rows.places[told]
                faults.add_cells(places, column.name, each.reason, values)
        if faults.is_full:
            raise faults.refusal(rows.records)


def _bad_rows(read: list[ColumnRead]) -> Array:
    return np.unique(np.concatenate([NONE_BAD, *(column.bad for column in read)]))


def _only(rows: Rows, good: Array) -> Rows:
    mask = pa.array(good)
    lines = rows.lines.filter(mask) if rows.lines is not None else None
    return replace(rows, table=rows.table.filter(mask), lines=lines)
