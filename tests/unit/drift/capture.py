"""A small capture of references from real columns, after drift/v1/reference.proto, and the rows to compare with."""

from __future__ import annotations

import csv
import gzip
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from fairlead.api.common.v1 import table_pb2
from fairlead.api.drift.v1 import reference_pb2
from services.drift.domain.window import Values
from tests.data import SHARED_DATA

Table = dict[str, Values]

BINS, CATEGORIES, QUANTILES = 50, 100, 1000


def read_table(path: str) -> Table:
    """Return a shared CSV file by column: float64 where every present value is a number, else texts."""
    full = SHARED_DATA / path
    with gzip.open(full, "rt") if full.suffix == ".gz" else full.open() as file:
        rows = list(csv.DictReader(file))
    return {name: _typed([row[name] for row in rows]) for name in rows[0]}


def _typed(texts: Sequence[str]) -> Values:
    present = ["" if text.strip() in ("?", "") else text.strip() for text in texts]
    try:
        return np.array([float(text) if text else np.nan for text in present])
    except ValueError:
        return present


def take(table: Mapping[str, Values], index: np.ndarray) -> Table:
    """Return the rows at index."""
    # Plain numbers: a list is twice as slow to read at numpy's.
    places = index.tolist()
    return {
        name: values[index] if isinstance(values, np.ndarray) else [values[i] for i in places]
        for name, values in table.items()
    }


def row_count(table: Mapping[str, Values]) -> int:
    return len(next(iter(table.values())))


def capture(table: Mapping[str, Values], prediction: str = "") -> reference_pb2.Reference:
    """Return the reference of a table; `prediction` names the column that stands for the model's answer."""
    columns = [capture_column(name, values) for name, values in table.items() if name != prediction]
    if prediction:
        columns.append(capture_column("prediction", table[prediction]))
        columns[-1].is_prediction = True
    return reference_pb2.Reference(row_count=row_count(table), columns=columns)


def capture_column(name: str, values: Values) -> reference_pb2.ReferenceColumn:
    if isinstance(values, np.ndarray):
        return _numbers(name, values)
    counted = Counter(values)
    missing = counted.pop("", 0)
    top = counted.most_common(CATEGORIES)
    return reference_pb2.ReferenceColumn(
        name=name,
        kind=table_pb2.COLUMN_KIND_TEXT,
        count=len(values) - missing,
        missing_count=missing,
        categories=[category for category, _ in top],
        category_counts=[count for _, count in top],
        other_count=counted.total() - sum(count for _, count in top),
    )


def _numbers(name: str, values: np.ndarray) -> reference_pb2.ReferenceColumn:
    present = values[np.isfinite(values)]
    edges = np.unique(np.quantile(present, np.arange(1, BINS) / BINS))
    edges = edges[edges < present.max()]
    counts = np.bincount(np.searchsorted(edges, present, side="left"), minlength=len(edges) + 1)
    return reference_pb2.ReferenceColumn(
        name=name,
        kind=table_pb2.COLUMN_KIND_NUMBER,
        count=len(present),
        missing_count=len(values) - len(present),
        edges=edges,
        bin_counts=counts,
        min=present.min(),
        max=present.max(),
        mean=present.mean(),
        stddev=present.std(),
        quantiles=np.quantile(present, np.linspace(0, 1, QUANTILES)),
    )


def write_package(folder: Path, reference: reference_pb2.Reference) -> None:
    """Write reference.json as it lies in a model package."""
    from google.protobuf import json_format

    folder.mkdir(parents=True, exist_ok=True)
    (folder / "reference.json").write_text(json_format.MessageToJson(reference))
