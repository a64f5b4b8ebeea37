"""Training tables for tests: small ones written out, and samples of the shared real data."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pyarrow as pa
from pyarrow import csv

from services.trainer.domain.table import TrainingTable, build_table
from tests.data import SHARED_DATA


def table(columns: dict[str, object], target: Sequence[object], condition: str = "", task: str = "") -> TrainingTable:
    return build_table(pa.table({**columns, "target": pa.array(target)}), "target", condition, task)


def sample(path: str, target: str, rows: int, *, delimiter: str = ",", drop: Sequence[str] = ()) -> TrainingTable:
    """Random rows of a shared file; `?` and empty cells are missing."""
    read = csv.read_csv(
        SHARED_DATA / path,
        parse_options=csv.ParseOptions(delimiter=delimiter),
        convert_options=csv.ConvertOptions(null_values=["?", ""], strings_can_be_null=True),
    )
    whole = build_table(read.drop_columns(list(drop)), target, "", None)
    return whole.take(np.sort(np.random.default_rng(7).permutation(whole.row_count)[:rows]))


def adult(rows: int) -> TrainingTable:
    return sample("adult/adult.csv", "income-per-year", rows)


def texts(values: Sequence[str]) -> np.ndarray:
    return np.array([*values, None], dtype=object)[:-1]
