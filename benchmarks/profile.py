"""Seconds to profile 100,000 x 50 mixed values, against pandas doing the like in the same run.

The peer is pandas `describe(include="all")`, `value_counts` of every column, `corr` of the numbers and `duplicated`:
less than the profile holds (no histograms, outliers, Cramér's V, target or suggestions).
Usage: python -m benchmarks.profile
"""

from __future__ import annotations

import resource
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from services.profiler.adapters.statistics.table import profile_table
from services.profiler.domain.advice.models import suggest_models
from services.profiler.domain.advice.preparation import suggest_preparation
from services.profiler.domain.advice.warnings import warn

ROWS, COLUMNS, RUNS = 100_000, 50, 3


class Silent:
    def progress(self, value: float, stage: str = "", resource: str = "") -> None:
        """Nothing is shown: only the time counts."""

    def log(self, source: str, message: str, *, level: str = "INFO", **meta: object) -> None:
        """Nothing is shown: only the time counts."""


def mixed_table(rows: int = ROWS, columns: int = COLUMNS) -> pa.Table:
    """Numbers, whole numbers, categories of few and many levels, truth values, dates; 5 % missing in a third."""
    random = np.random.default_rng(7)
    made: dict[str, pa.Array] = {}
    for i in range(columns - 1):
        missing = random.random(rows) < 0.05 if i % 3 == 0 else None
        kind = i % 10
        if kind < 4:
            values: np.ndarray = random.normal(i, 1 + i, rows)
        elif kind < 6:
            values = random.integers(0, 10 ** (1 + i % 4), rows)
        elif kind < 8:
            values = np.array([f"level {n}" for n in range(8 * (1 + i))], dtype=object)[
                random.integers(0, 8 * (1 + i), rows)
            ]
        elif kind == 8:
            values = random.random(rows) < 0.3
        else:
            values = np.datetime64("2024-01-01", "us") + random.integers(0, 366 * 86_400, rows).astype("timedelta64[s]")
        made[f"column_{i}"] = pa.array(values, mask=missing)
    made["target"] = pa.array(random.random(rows) < 0.2)
    return pa.table(made)


def fairlead(path: Path, scratch: Path) -> None:
    table = profile_table(path, scratch, Silent())
    suggest_preparation(table)
    suggest_models(table)
    warn(table)


def pandas(path: Path) -> None:
    frame = pd.read_parquet(path)
    frame.describe(include="all")
    for name in frame.columns:
        frame[name].value_counts()
    frame.select_dtypes("number").corr()
    frame.duplicated().sum()


def seconds(action: Callable[[], None]) -> float:
    """The median of a few runs."""
    taken = []
    for _ in range(RUNS):
        start = time.perf_counter()
        action()
        taken.append(time.perf_counter() - start)
    return statistics.median(taken)


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "mixed.parquet"
        pq.write_table(mixed_table(), path, compression="zstd")
        ours = seconds(lambda: fairlead(path, Path(folder)))
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        theirs = seconds(lambda: pandas(path))
    peer = "pandas describe + value_counts + corr + duplicated"
    print(f"profile {ROWS:,} x {COLUMNS}: fairlead {ours:.2f} s, {peer} {theirs:.2f} s")
    print(f"ratio of seconds, fairlead / pandas: {ours / theirs:.2f} (fairlead computes more; see the module)")
    print(f"peak memory after fairlead's runs: {peak:.0f} MB, the generated table included")


if __name__ == "__main__":
    main()
