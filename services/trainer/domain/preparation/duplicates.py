"""Dropping repeated rows of a training table."""

from __future__ import annotations

import numpy as np

from ..table import TrainingTable


def drop_duplicate_rows(table: TrainingTable) -> tuple[TrainingTable, int]:
    """The table with the first of each group of equal rows (missing equals missing), and how many were removed."""
    import pandas as pd

    frame = pd.DataFrame({index: table.columns[column.name] for index, column in enumerate(table.inputs)})
    frame[len(table.inputs)] = table.target
    repeated = frame.duplicated().to_numpy()
    if not repeated.any():
        return table, 0
    return table.take(np.flatnonzero(~repeated)), int(repeated.sum())
