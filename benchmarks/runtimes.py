"""Microseconds a row in process: ONNX Runtime, the native estimator, its library's quickest call, and treelite.

The model is LightGBM of 200 trees of 31 leaves on 14 mixed columns (Adult). "whole" begins with the user's columns and
ends with probabilities; "trees" begins with prepared features. treelite runs in a throwaway environment that this makes
below --cache; it has no preparation, so ours (NumPy) is added to it. Times are of the calling thread's processor.
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
from collections.abc import Callable
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

ROWS, TREES, MANY, SECONDS = 12_000, 200, 1000, 2.0
TREELITE = "treelite==4.8.1"
CACHE = Path(os.environ.get("FAIRLEAD_BENCHMARKS_CACHE") or Path.home() / ".cache" / "fairlead-benchmarks")
PROGRAM = """
import json, statistics, sys, time
import numpy as np, treelite
model = treelite.frontend.load_lightgbm_model(sys.argv[1])
features = np.load(sys.argv[2])
taken = {}
for rows in json.loads(sys.argv[3]):
    some, runs, end = np.ascontiguousarray(features[:rows]), [], time.perf_counter() + float(sys.argv[4])
    treelite.gtil.predict(model, some, nthread=1)
    while time.perf_counter() < end:
        start = time.thread_time_ns()
        treelite.gtil.predict(model, some, nthread=1)
        runs.append((time.thread_time_ns() - start) / 1000 / rows)
    taken[rows] = statistics.median(runs)
print(json.dumps(taken))
"""


def microseconds(action: Callable[[], object], rows: int) -> float:
    """The median time of a row over about two seconds of calls."""
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
    arguments = [str(folder / "model.txt"), str(folder / "features.npy"), json.dumps([1, MANY]), str(SECONDS)]
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
        preparing = microseconds(lambda named=named: prepare(named), rows)
        quickest = microseconds(lambda features=features: booster.predict(features, num_threads=1), rows)
        wrapped = microseconds(lambda features=features: fitted.estimator.predict_proba(features), rows)
        taken = {
            "ONNX Runtime, whole": microseconds(lambda columns=columns: onnx.run(columns), rows),
            "native as it is served, whole": microseconds(lambda columns=columns: native.run(columns), rows),
            "native with lightgbm's scikit-learn class, whole": preparing + wrapped,
            "native with lightgbm's Booster.predict, whole": preparing + quickest,
            "native with treelite's GTIL, whole": preparing + by_treelite[rows],
            "ONNX Runtime, trees": microseconds(
                lambda features=features: trees.run(None, {"features": features}), rows
            ),
            "lightgbm Booster.predict, trees": quickest,
            "treelite GTIL, trees": by_treelite[rows],
        }
        print(f"{rows} rows a call, us a row:")
        for name, value in taken.items():
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
