"""Microseconds a row to explain a prediction, against the library's own TreeSHAP in the same run, on one thread.

The model is LightGBM of 200 trees of 31 leaves on 14 mixed columns (Adult), packaged by the trainer and loaded by
serving. The peer, `predict(..., pred_contrib=True)`, gets rows that are prepared already; ours come as the user's
columns. A forest of 100 trees is explained too, which LightGBM's code can't do. Times are of this thread's processor.
Usage: python -m benchmarks.explain
"""

from __future__ import annotations

import statistics
import tempfile
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from lightgbm import LGBMClassifier
from sklearn.ensemble import RandomForestClassifier

from services.serving.domain.models.model import Model
from services.trainer.domain.export import FittedModel
from services.trainer.domain.table import TrainingTable
from tests.unit.serving.domain.insights.models import in_order, served
from tests.unit.trainer.export.candidates import fit
from tests.unit.trainer.preparation.tables import adult

ROWS, TREES, MANY, SECONDS = 12_000, 200, 1000, 2.0


def microseconds(action: Callable[[], object], rows: int) -> float:
    """The median time of a row over as many calls as take about two seconds."""
    action()
    taken: list[float] = []
    end = time.perf_counter() + SECONDS
    while time.perf_counter() < end or len(taken) < 3:
        start = time.thread_time_ns()
        action()
        taken.append((time.thread_time_ns() - start) / 1000 / rows)
    return statistics.median(taken)


def first(columns: Mapping[str, Any], rows: int) -> dict[str, np.ndarray]:
    return {name: values[:rows] for name, values in columns.items()}


def explain(model: Model, table: TrainingTable, rows: int) -> float:
    columns = in_order(table, first(table.columns, rows))
    return microseconds(lambda: model.explain(columns, rows), rows)


def predict(model: Model, table: TrainingTable, rows: int, coverage: float = 0.0) -> float:
    columns = in_order(table, first(table.columns, rows))
    if not coverage:
        return microseconds(lambda: model.predict(columns, rows), rows)
    return microseconds(lambda: model.interval(model.predict(columns, rows), coverage), rows)


def peer(fitted: FittedModel, table: TrainingTable, rows: int) -> float:
    features = fitted.preparation.transform(first(table.columns, rows))
    booster = fitted.estimator.booster_
    return microseconds(lambda: booster.predict(features, pred_contrib=True, num_threads=1), rows)


def opening(model: Model, table: TrainingTable) -> float:
    """Milliseconds that the first explained request takes more, once a model."""
    columns = in_order(table, first(table.columns, 1))
    start = time.perf_counter()
    model.explain(columns, 1)
    return 1000 * (time.perf_counter() - start)


def boosted(folder: Path, train: TrainingTable, held_out: TrainingTable) -> None:
    estimator = LGBMClassifier(n_estimators=TREES, num_leaves=31, learning_rate=0.05, n_jobs=1, verbosity=-1)
    fitted = fit(train, "lightgbm", estimator)
    model = served(folder, fitted, held_out)
    names = ("model.onnx", "explain.npz", "explain.onnx", "calibration.npz")
    print("files: " + ", ".join(f"{name} {(folder / name).stat().st_size / 1024:.0f} KiB" for name in names))
    print(f"LightGBM, {TREES} trees of 31 leaves; first explained request {opening(model, held_out):.0f} ms")
    for rows in (1, MANY):
        ours, theirs = explain(model, held_out, rows), peer(fitted, held_out, rows)
        plain, interval = predict(model, held_out, rows), predict(model, held_out, rows, 0.9)
        print(
            f"  {rows:>5} rows a call: predict {plain:.1f} us a row, with interval {interval:.1f}, explain {ours:.0f};"
            f" lightgbm pred_contrib {theirs:.0f}; ratio ours / peer {ours / theirs:.2f}"
        )


def forest(folder: Path, train: TrainingTable, held_out: TrainingTable) -> None:
    estimator = RandomForestClassifier(100, min_samples_leaf=5, random_state=0, n_jobs=1)
    model = served(folder, fit(train, "random_forest", estimator), held_out)
    leaves = sum(tree.tree_.n_leaves for tree in estimator.estimators_)
    print(f"random forest, 100 trees of {leaves / 100:.0f} leaves; first {opening(model, held_out):.0f} ms")
    print(f"      1 rows a call: explain {explain(model, held_out, 1):.0f} us a row")
    print(f"    100 rows a call: explain {explain(model, held_out, 100):.0f} us a row")


def main() -> None:
    whole = adult(ROWS)
    train, held_out = whole.take(np.arange(ROWS * 2 // 3)), whole.take(np.arange(ROWS * 2 // 3, ROWS))
    with tempfile.TemporaryDirectory() as folder:
        boosted(Path(folder) / "lightgbm", train, held_out)
        forest(Path(folder) / "forest", train, held_out)


if __name__ == "__main__":
    main()
