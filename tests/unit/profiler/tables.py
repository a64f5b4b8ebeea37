"""Profiles of real files, made the way the service makes them."""

from __future__ import annotations

import tempfile
from functools import cache
from pathlib import Path

from services.profiler.adapters.statistics.table import profile_table
from services.profiler.adapters.tables.reader import read_table
from services.profiler.domain.profiling.model import TableProfile, Target
from tests.data import SHARED_DATA
from tests.unit.profiler.heard import Heard


@cache
def profile_of(file: str, column: str = "", condition: str = "") -> TableProfile:
    return profile_file(SHARED_DATA / file, Target(column, condition) if column else None)


def profile_file(path: Path, target: Target | None = None, most_rows: int = 1_000_000) -> TableProfile:
    with tempfile.TemporaryDirectory() as folder:
        parquet = Path(folder) / "table.parquet"
        read_table(path, path.name, parquet, Heard())
        return profile_table(parquet, Path(folder), Heard(), target=target, most_rows=most_rows)


def profile_text(text: str, folder: Path, target: Target | None = None, most_rows: int = 1_000_000) -> TableProfile:
    path = folder / "table.csv"
    path.write_text(text)
    return profile_file(path, target, most_rows)
