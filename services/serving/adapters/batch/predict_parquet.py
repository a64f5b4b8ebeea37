"""Predicts a Parquet file, a few thousand rows in memory at a time."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import pyarrow.parquet

from ...domain.model import Model
from ...domain.prediction import Prediction
from .arrow_columns import columns_of_batch
from .result_file import ResultFile


@dataclass
class Tally:
    """How many rows were predicted, how often each label, and the sum of predicted numbers."""

    rows: int = 0
    labels: Counter[str] = field(default_factory=Counter)
    value_sum: float = 0.0

    def add(self, prediction: Prediction) -> None:
        """Count a batch."""
        self.rows += prediction.rows
        if prediction.values is not None:
            self.value_sum += float(prediction.values.sum())
        else:
            self.labels.update(prediction.labels or ())

    def __str__(self) -> str:
        if self.labels:
            return ", ".join(f"{count} x '{label}'" for label, count in self.labels.most_common(10))
        return f"mean {self.value_sum / self.rows:.6g}" if self.rows else "nothing"


def predict_parquet(
    source: Path,
    result: Path,
    format: str,
    model: Model,
    *,
    batch_rows: int,
    progress: Callable[[int, int], None],
) -> Tally:
    """Write source's rows with the model's predictions to result; return what was predicted.

    progress is told the rows done and their total after each batch. Raises InvalidArgument for a column that the model
    reads and the file lacks, or a value that can't be read.
    """
    tally = Tally()
    with pyarrow.parquet.ParquetFile(source, memory_map=True) as file:
        total = file.metadata.num_rows
        with ResultFile(result, format, file.schema_arrow.remove_metadata(), model.schema) as output:
            for batch in file.iter_batches(batch_size=batch_rows, use_threads=False):
                prediction = model.predict(columns_of_batch(model.schema, batch), batch.num_rows)
                output.write(batch, prediction)
                tally.add(prediction)
                progress(tally.rows, total)
    return tally
