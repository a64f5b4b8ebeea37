"""Rows a second of a batch prediction, against the same ONNX graph run on the same file by a script, in the same run.

LightGBM with 200 trees on the 14 columns of Adult Census, exported as the trainer does; the file's rows are drawn from
Adult's. Fairlead's figure is of the real task of a real service: from the moment its worker has loaded the model and
opens the file until the result is stored. It is held against a script that reads the file with pyarrow, runs the graph
and writes the file with pyarrow, whole in memory (0.6 of its rows a second is required). Printed beside it is the graph
alone, in a process that has all columns in memory, in the quicker of two ways (one call on all cores, or calls of 8,192
rows side by side; the best of three runs). On a busy machine the clock tells little: processor time is told too.
Usage: python -m benchmarks.batch [--rows 1000000] [--kind csv] [--format csv]
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pyarrow as pa
import pyarrow.csv
import pyarrow.json
import pyarrow.parquet
from google.protobuf import json_format

from fairlead.api.common.v1 import table_pb2
from fairlead.api.drift.v1 import reference_pb2
from fairlead.api.serving.v1.prediction_service_pb2 import BatchPrediction, BatchPredictRequest
from fairlead.api.tasks.v1 import task_pb2
from fairlead.api.tasks.v1.task_service_pb2 import GetTaskRequest
from fairlead.api.tasks.v1.task_service_pb2_grpc import TaskServiceStub
from fairlead.api.trainer.v1 import model_pb2
from fairlead.kit.events import topics
from tests.data import SHARED_DATA
from tests.unit.serving.packages import manifest_of
from tests.unit.serving.running import RunningService

VERSION = "projects/p/models/income/versions/1"
DEPLOYMENT = "projects/p/deployments/income"
TARGET = "income-per-year"
CHUNK, CALL_ROWS, MOST_RAW_ROWS, TREES, RUNS = 200_000, 8192, 1_000_000, 200, 3
MEGABYTE = 1024 * 1024
REQUIRED = 0.6
"""Of the rows a second of the script that reads and writes the same file."""
Columns = dict[str, np.ndarray]


@dataclass(frozen=True)
class Figure:
    """What was measured: rows, the seconds and the processor's seconds they took, and the most memory in megabytes."""

    rows: int
    seconds: float
    cpu_seconds: float
    most_mb: float

    @property
    def rows_a_second(self) -> float:
        """Rows a second by the clock."""
        return self.rows / self.seconds

    @property
    def rows_a_cpu_second(self) -> float:
        """Rows a second of one core."""
        return self.rows / self.cpu_seconds


def adult() -> pa.Table:
    """Adult's rows."""
    return pa.csv.read_csv(next((SHARED_DATA / "adult").glob("adult.csv")))


def make_package(folder: Path) -> None:
    """Train on Adult and export, as the trainer does."""
    from lightgbm import LGBMClassifier

    from services.trainer.domain.export import to_onnx
    from services.trainer.domain.export.tensors import tensor_names
    from services.trainer.domain.table import build_table
    from tests.unit.trainer.export.candidates import fit

    table = build_table(adult(), TARGET, "", "binary")
    model = fit(table, "lightgbm", LGBMClassifier(n_estimators=TREES, n_jobs=1, verbosity=-1, random_state=0))
    names = tensor_names(table.inputs)
    kinds = {"number": table_pb2.COLUMN_KIND_NUMBER, "text": table_pb2.COLUMN_KIND_TEXT}
    inputs: list[tuple[str, int, str]] = [
        (column.name, kinds[column.kind], names[column.name]) for column in table.inputs
    ]
    manifest = manifest_of(table_pb2.TASK_TYPE_BINARY, TARGET, inputs, model_pb2.MODEL_RUNTIME_ONNX, [*table.classes])
    reference = reference_pb2.Reference(row_count=table.row_count)
    for column in table.inputs:
        if column.kind == "text":
            reference.columns.add(name=column.name, categories=sorted({*table.columns[column.name].tolist()}))
    folder.mkdir()
    (folder / "model.onnx").write_bytes(to_onnx(model, table.inputs).SerializeToString())
    (folder / "manifest.json").write_text(json_format.MessageToJson(manifest), "utf-8")
    (folder / "reference.json").write_text(json_format.MessageToJson(reference), "utf-8")


def chunks(rows: int) -> Iterator[pa.Table]:
    """Rows drawn from Adult's, with weights that hardly repeat."""
    table, random = adult().drop_columns([TARGET]), np.random.default_rng(1)
    for start in range(0, rows, CHUNK):
        count = min(CHUNK, rows - start)
        drawn = table.take(pa.array(random.integers(0, table.num_rows, count)))
        place = drawn.schema.get_field_index("fnlwgt")
        yield drawn.set_column(place, "fnlwgt", pa.array(random.integers(10_000, 1_500_000, count)))


def write_file(path: Path, rows: int) -> None:
    """Write rows as the path's ending says, a chunk at a time."""
    schema = adult().drop_columns([TARGET]).schema
    if path.suffix == ".jsonl":
        from services.serving.adapters.batch_prediction.texts import json_members, json_rows

        with path.open("wb") as file:
            for chunk in chunks(rows):
                file.write(json_rows(json_members(schema.names, [each.combine_chunks() for each in chunk.columns])))
        return
    plain = pa.csv.WriteOptions(quoting_style="none")
    writer: Any = (
        pa.csv.CSVWriter(str(path), schema, write_options=plain)
        if path.suffix == ".csv"
        else pa.parquet.ParquetWriter(path, schema, compression="zstd")
    )
    with writer:
        for chunk in chunks(rows):
            writer.write_table(chunk)


def read_file(path: Path) -> pa.Table:
    """Read a file whole with pyarrow."""
    readers = {".csv": pa.csv.read_csv, ".jsonl": pa.json.read_json, ".parquet": pa.parquet.read_table}
    return readers[path.suffix](path)


def feeds_of(table: pa.Table, package: Path) -> Columns:
    """The graph's inputs, equal texts sharing one object."""
    manifest = json_format.Parse((package / "manifest.json").read_text(), model_pb2.ModelManifest())
    feeds = {}
    for column in manifest.inputs:
        values = table.column(column.name)
        if column.kind == table_pb2.COLUMN_KIND_TEXT:
            encoded = values.combine_chunks().dictionary_encode()
            words = np.array([*encoded.dictionary.to_pylist(), None], dtype=object)[:-1]
            array = words[encoded.indices.to_numpy()]
        else:
            array = values.cast(pa.float64()).to_numpy()
        feeds[column.tensor] = array.reshape(-1, 1)
    return feeds


def session_of(package: Path, threads: int) -> Any:
    """A session whose calls are computed by so many threads."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    return onnxruntime.InferenceSession(str(package / "model.onnx"), options, providers=["CPUExecutionProvider"])


def raw_at_once(feeds: Columns, package: Path) -> Callable[[], np.ndarray]:
    """One call for all rows, computed by all cores."""
    session = session_of(package, len(os.sched_getaffinity(0)))
    return lambda: np.asarray(session.run(None, feeds)[0])


def raw_side_by_side(feeds: Columns, package: Path) -> Callable[[], np.ndarray]:
    """Calls of a few thousand rows, as many side by side as there are cores."""
    session = session_of(package, 1)
    rows = len(next(iter(feeds.values())))

    def call(start: int) -> np.ndarray:
        end = start + CALL_ROWS
        return np.asarray(session.run(None, {name: values[start:end] for name, values in feeds.items()})[0])

    def run() -> np.ndarray:
        with ThreadPoolExecutor(len(os.sched_getaffinity(0))) as threads:
            return np.concatenate([*threads.map(call, range(0, rows, CALL_ROWS))])

    return run


def raw_in_memory(path: Path, package: Path) -> Figure:
    """The graph alone, on columns that are there."""
    table = read_file(path)
    feeds = feeds_of(table.slice(0, MOST_RAW_ROWS), package)
    seconds, cpu_seconds = [], []
    for way in (raw_at_once, raw_side_by_side):
        run = way(feeds, package)
        for _ in range(RUNS):
            started, worked = time.perf_counter(), time.process_time()
            run()
            seconds.append(time.perf_counter() - started)
            cpu_seconds.append(time.process_time() - worked)
    return Figure(min(table.num_rows, MOST_RAW_ROWS), min(seconds), min(cpu_seconds), _most_mb(os.getpid()))


def raw_with_file(path: Path, package: Path, result: Path) -> Figure:
    """Reading, the graph and writing, one after the other."""
    started, worked = time.perf_counter(), time.process_time()
    table = read_file(path)
    output = raw_side_by_side(feeds_of(table, package), package)()
    labels = pa.array(["<=50K", ">50K"]).take(pa.array(output.argmax(axis=1)))
    table = table.append_column("prediction", labels)
    for number, column in enumerate(output.T):
        table = table.append_column(f"probability_{number}", pa.array(np.ascontiguousarray(column)))
    if result.suffix == ".parquet":
        pa.parquet.write_table(table, result, compression="zstd")
    else:
        pa.csv.write_csv(table, result)
    seconds, cpu_seconds = time.perf_counter() - started, time.process_time() - worked
    return Figure(table.num_rows, seconds, cpu_seconds, _most_mb(os.getpid()))


def fairlead(path: Path, package: Path, folder: Path, format: str) -> tuple[Figure, float]:
    """The batch prediction of a running service, and how long the whole task took with its process."""
    service = RunningService(folder / "home")
    service.stderr = folder / "serving.log"
    try:
        service.add_version(VERSION, package)
        service.start()
        service.deploy("income", VERSION)
        stored = service.blobs.put_file(path)
        request = BatchPredictRequest(deployment=DEPLOYMENT, source_blob=stored.key, file_name=path.name, format=format)
        task = service.predictions.BatchPredict(request).task
        return _followed(service, task)
    finally:
        service.close()


def _followed(service: RunningService, task: task_pb2.Task) -> tuple[Figure, float]:
    assert service.process is not None
    tasks, most = TaskServiceStub(service.channel), 0.0
    parent = psutil.Process(service.process.pid)
    work: list[tuple[float, float]] = []
    while task.state in (task_pb2.TASK_STATE_PENDING, task_pb2.TASK_STATE_RUNNING):
        for child in parent.children(recursive=True):
            most = max(most, _most_mb(child.pid))
            if task.name in _words_of(child):
                work.append((time.time(), _cpu_seconds(child)))
        time.sleep(0.1)
        task = tasks.GetTask(GetTaskRequest(name=task.name)).task
    made = BatchPrediction()
    assert task.result.Unpack(made), task.error
    lines = [event.unpack(task_pb2.LogLine) for event in service.events.replay(topics.LOGS, key=task.name)]
    times = {line.source: line.time.ToNanoseconds() / 1e9 for line in lines}
    begun, done = times["batch_predict.read"], times["batch_predict.done"]
    whole = (task.end_time.ToDatetime() - task.start_time.ToDatetime()).total_seconds()
    worked = [(moment, cpu) for moment, cpu in work if cpu > 0]
    moments, seconds = np.array(worked).T
    cpu_begun, cpu_done = np.interp([begun, done], moments, seconds).tolist()
    return Figure(made.row_count, done - begun, cpu_done - cpu_begun, most), whole


def _words_of(process: psutil.Process) -> list[str]:
    try:
        return process.cmdline()
    except psutil.Error:
        return []


def _cpu_seconds(process: psutil.Process) -> float:
    """The processor's seconds that a process has had; 0 for one that has ended."""
    try:
        times = process.cpu_times()
    except psutil.Error:
        return 0.0
    return times.user + times.system


def _most_mb(process: int) -> float:
    """The most memory that a process ever had, in megabytes; 0 for one that has ended."""
    try:
        status = Path(f"/proc/{process}/status").read_text()
        return int(status.partition("VmHWM:")[2].split()[0]) / 1024
    except (OSError, IndexError):
        return 0.0


def _apart(work: Callable[..., Any], *given: Any) -> Any:
    """Do work in a process of its own, whose memory is its own."""
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        return pool.apply(work, given)


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--kind", choices=("csv", "jsonl", "parquet"), default="csv", help="of the file that is read")
    parser.add_argument("--format", choices=("csv", "jsonl", "parquet"), default="csv", help="of the result")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        package, path = folder / "package", folder / f"rows.{options.kind}"
        _apart(make_package, package)
        _apart(write_file, path, options.rows)
        size = path.stat().st_size / MEGABYTE
        print(f"{options.rows:,} rows of {options.kind}, {size:,.0f} MB, into {options.format}; {os.cpu_count()} cores")
        memory = _apart(raw_in_memory, path, package)
        tell(f"raw ONNX Runtime, columns in memory ({min(options.rows, MOST_RAW_ROWS):,} rows)", memory, memory)
        with_file = whole_file(path, package, folder, options.format)
        tell("raw ONNX Runtime with pyarrow, whole file", with_file, memory)
        ours, whole = fairlead(path, package, folder, options.format)
        tell(f"Fairlead's batch prediction (the task with its process: {whole:.1f} s)", ours, memory)
        print(f"ratio to raw with the same file (required: {REQUIRED:.2f}): {ratios(ours, with_file)}")
        print(f"ratio to raw in memory: {ratios(ours, memory)}")


def ratios(ours: Figure, raw: Figure) -> str:
    """Ours to a peer's, by the clock and by processor time."""
    by_clock, by_cpu = ours.rows_a_second / raw.rows_a_second, ours.rows_a_cpu_second / raw.rows_a_cpu_second
    return f"{by_clock:.2f} by the clock, {by_cpu:.2f} by processor time"


def whole_file(path: Path, package: Path, folder: Path, format: str) -> Figure:
    """The peer with a file; what pyarrow can't write is written as CSV."""
    result = folder / f"raw.{'parquet' if format == 'parquet' else 'csv'}"
    figure: Figure = _apart(raw_with_file, path, package, result)
    result.unlink()
    return figure


def tell(what: str, figure: Figure, raw: Figure) -> None:
    """Print one line."""
    share = figure.rows_a_second / raw.rows_a_second
    print(
        f"{what:<80} {figure.rows_a_second:>10,.0f} rows/s {share:>5.2f}x {figure.seconds:>7.1f} s "
        f"{1e6 / figure.rows_a_cpu_second:>6.2f} us of processor a row {figure.most_mb:>7,.0f} MB at most",
        flush=True,
    )


if __name__ == "__main__":
    main()
