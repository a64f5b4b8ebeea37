"""The file a batch prediction makes: the rows that were read, with what was predicted beside them."""

from __future__ import annotations

from pathlib import Path
from types import TracebackType
from typing import Any, Self

import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet

from ...domain.prediction import Prediction
from ...domain.schema import Schema, TaskType

PREDICTION = "prediction"
PROBABILITY_PREFIX = "probability_"


class ResultFile:
    """Writes batches as they come; a context manager."""

    def __init__(self, path: Path, format: str, rows: pa.Schema, schema: Schema) -> None:
        """Begin a file, csv or parquet, of the rows' columns and the model's predictions."""
        label = pa.float64() if schema.task is TaskType.REGRESSION else pa.string()
        taken = set(rows.names)
        added = [pa.field(_free(PREDICTION, taken), label)]
        added += [pa.field(_free(PROBABILITY_PREFIX + name, taken), pa.float64()) for name in schema.classes]
        self._schema = pa.schema([*rows, *added])
        self._writer: Any = (
            pa.parquet.ParquetWriter(path, self._schema, compression="zstd")
            if format == "parquet"
            else pa.csv.CSVWriter(str(path), self._schema)
        )

    def write(self, batch: pa.RecordBatch, prediction: Prediction) -> None:
        """Append rows and their predictions."""
        if prediction.values is not None:
            added = [pa.array(prediction.values)]
        else:
            added = [pa.array(prediction.labels, pa.string())]
        if prediction.probabilities is not None:
            added += [pa.array(column) for column in prediction.probabilities.T]
        self._writer.write_batch(pa.record_batch([*batch.columns, *added], schema=self._schema))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._writer.close()


def _free(name: str, taken: set[str]) -> str:
    """Return the name, or with a number appended where the rows have such a column already."""
    free, number = name, 2
    while free in taken:
        free, number = f"{name}_{number}", number + 1
    taken.add(free)
    return free
