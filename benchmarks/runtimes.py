"""Microseconds a row in process: ONNX Runtime, the native estimator, its library's quickest call, and treelite.

The model is LightGBM of 200 trees of 31 leaves on 14 mixed columns (Adult). "whole" begins with the user's columns and
ends with probabilities; "trees" begins with prepared features. treelite runs in a throwaway environment that this makes
below --cache; it has no preparation, so ours (NumPy) is added to it. Times are of the calling thread's processor, and
of its quickest round: all take turns, for a shared machine is slower at some times than at others.
Usage: python -m benchmarks.runtimes [--cache FOLDER]
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import tempfile
import time
import venv
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path

import numpy as np
import onnxruntime
from lightgbm import LGBMClassifier
from onnx import TensorProto, helper

from services.serving.adapters.models.native_runtime import NativeRuntime
from services.serving.adapters.models.onnx_runtime import OnnxRuntime
from services.serving.domain.models.schema import InputColumn, Kind, Schema, TaskType
from services.trainer.adapters.package import pickle_by_value
from services.trainer.domain.export import FittedModel, tensor_names, to_onnx
from services.trainer.domain.export.estimators import write_estimator
from services.trainer.domain.export.graph import GraphWriter, Value
from services.trainer.domain.table import TrainingTable
from tests.unit.trainer.export.candidates import fit
from tests.unit.trainer.preparation.tables import adult

ROWS, TREES, MANY, ROUNDS, SECONDS = 12_000, 200, 1000, 7, 0.4
TREELITE = "treelite==4.8.1"
CACHE = Path(os.environ.get("FAIRLEAD_BENCHMARKS_CACHE") or Path.home() / ".cache" / "fairlead-benchmarks")
PROGRAM = """
import json, statistics, sys, time
import numpy as np, treelite
model = treelite.frontend.load_lightgbm_model(sys.argv[1])
features = np.load(sys.argv[2])
taken = {}
for rows in json.loads(sys.argv[3]):
    some, rounds = np.ascontiguousarray(features[:rows]), []
    for _ in range(int(sys.argv[4])):
        runs, end = [], time.perf_counter() + float(sys.argv[5])
        treelite.gtil.predict(model, some, nthread=1)
        while time.perf_counter() < end:
            start = time.thread_time_ns()
            treelite.gtil.predict(model, some, nthread=1)
            runs.append((time.thread_time_ns() - start) / 1000 / rows)
        rounds.append(statistics.median(runs))
    taken[rows] = min(rounds)
print(json.dumps(taken))
"""


def microseconds(actions: Mapping[str, Callable[[], object]], rows: int) -> dict[str, float]:
    """The time of a row by action: the median of its quickest round."""
    quickest: dict[str, float] = {}
    for _ in range(ROUNDS):
        for name, action in actions.items():
            taken = median_of(action, rows)
            quickest[name] = min(taken, quickest.get(name, taken))
    return quickest


def median_of(action: Callable[[], object], rows: int) -> float:
    action()
    taken: list[float] = []
    end = time.perf_counter() + SECONDS
    while time.perf_counter() < end or len(taken) < 3:
        start = time.thread_time_ns()
        action()
        taken.append((time.thread_time_ns() - start) / 1000 / rows)
    return statistics.median(taken)


def treelite_python(cache: Path) -> Path:
    """The interpreter of treelite's environment."""
    folder = cache / "environments" / "treelite"
    python = folder / "bin" / "python"
    if not (folder / "complete").exists():
        venv.create(folder, with_pip=True, clear=True)
        subprocess.run([python, "-m", "pip", "install", "-q", TREELITE, f"numpy=={np.__version__}"], check=True)
        (folder / "complete").touch()
    return python


def treelite(fitted: FittedModel, features: np.ndarray, cache: Path, folder: Path) -> dict[int, float]:
    """Microseconds of a row by the number of rows in a call."""
    fitted.estimator.booster_.save_model(folder / "model.txt")
    np.save(folder / "features.npy", features)
    arguments = [str(folder / "model.txt"), str(folder / "features.npy"), json.dumps([1, MANY])]
    arguments += [str(ROUNDS), str(SECONDS)]
    python = treelite_python(cache)
    found = subprocess.run([python, "-c", PROGRAM, *arguments], check=True, capture_output=True, text=True)
    return {int(rows): float(taken) for rows, taken in json.loads(found.stdout).items()}


def schema_of(table: TrainingTable) -> Schema:
    names = tensor_names(table.inputs)
    kinds = {"text": Kind.TEXT, "datetime": Kind.DATETIME, "boolean": Kind.BOOLEAN}
    columns = tuple(InputColumn(c.name, kinds.get(c.kind, Kind.NUMBER), names[c.name]) for c in table.inputs)
    return Schema(TaskType.BINARY, table.classes, columns)


def tree_session(fitted: FittedModel, width: int) -> onnxruntime.InferenceSession:
    """The estimator alone as a graph, from features to probabilities."""
    writer = GraphWriter()
    output = write_estimator(writer, fitted.estimator, Value(writer, "features"))
    info = helper.make_tensor_value_info("features", TensorProto.DOUBLE, ["n", width])
    graph = writer.model([info], output, helper.make_tensor_value_info("probabilities", TensorProto.DOUBLE, ["n", 2]))
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    return onnxruntime.InferenceSession(graph.SerializeToString(), options, providers=["CPUExecutionProvider"])


def compare(fitted: FittedModel, table: TrainingTable, cache: Path, folder: Path) -> None:
    (folder / "model.onnx").write_bytes(to_onnx(fitted, table.inputs).SerializeToString())
    (folder / "model.pkl").write_bytes(pickle_by_value(fitted))
    schema = schema_of(table)
    onnx, native = OnnxRuntime(folder / "model.onnx", schema), NativeRuntime(folder / "model.pkl", schema)
    prepare, booster = fitted.preparation.transform, fitted.estimator.booster_
    every = prepare(table.columns)
    trees = tree_session(fitted, every.shape[1])
    by_treelite = treelite(fitted, every, cache, folder)
    for rows in (1, MANY):
        named = {name: values[:rows] for name, values in table.columns.items()}
        columns = tuple(named[column.name] for column in schema.inputs)
        features = np.ascontiguousarray(every[:rows])
        taken = microseconds(
            {
                "onnx": partial(onnx.run, columns),
                "native": partial(native.run, columns),
                "preparing": partial(prepare, named),
                "class": partial(fitted.estimator.predict_proba, features),
                "trees onnx": partial(trees.run, None, {"features": features}),
                "trees lightgbm": partial(booster.predict, features, num_threads=1),
            },
            rows,
        )
        preparing = taken["preparing"]
        told = {
            "ONNX Runtime, whole": taken["onnx"],
            "native as it is served, whole": taken["native"],
            "native with lightgbm's scikit-learn class, whole": preparing + taken["class"],
            "native with treelite's GTIL, whole": preparing + by_treelite[rows],
            "the native preparation alone": preparing,
            "ONNX Runtime, trees": taken["trees onnx"],
            "lightgbm Booster.predict, trees": taken["trees lightgbm"],
            "treelite GTIL, trees": by_treelite[rows],
        }
        print(f"{rows} rows a call, us a row:")
        for name, value in told.items():
            print(f"  {value:8.1f}  {name}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cache", type=Path, default=CACHE, help="where treelite's environment is kept")
    cache = parser.parse_args().cache
    whole = adult(ROWS)
    train, held_out = whole.take(np.arange(ROWS * 2 // 3)), whole.take(np.arange(ROWS * 2 // 3, ROWS))
    estimator = LGBMClassifier(n_estimators=TREES, num_leaves=31, learning_rate=0.05, n_jobs=1, verbosity=-1)
    print(f"LightGBM, {TREES} trees of 31 leaves, {len(train.inputs)} mixed columns, one thread")
    with tempfile.TemporaryDirectory() as folder:
        compare(fit(train, "lightgbm", estimator), held_out, cache, Path(folder))


if __name__ == "__main__":
    main()
