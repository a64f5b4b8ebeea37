"""Batch predictions through the serving service: files and dataset versions, rows left out, kill -9 in the middle."""

from __future__ import annotations

import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet
import pytest

from fairlead.api.serving.v1.prediction_service_pb2 import BatchPrediction, BatchPredictRequest
from fairlead.api.tasks.v1 import task_pb2
from fairlead.api.tasks.v1.task_service_pb2 import GetTaskRequest
from fairlead.api.tasks.v1.task_service_pb2_grpc import TaskServiceStub
from fairlead.kit import backends
from fairlead.kit.errors import InvalidArgument
from fairlead.kit.events import topics
from fairlead.kit.tasks import Checkpoints, TaskStore
from services.serving.domain.batch_prediction.request import BATCH_KIND
from tests.data import ROOT
from tests.ports import free_port
from tests.unit.serving import packages
from tests.unit.serving.running import RunningService

V1, V2 = (f"projects/p/models/income/versions/{number}" for number in (1, 2))
CHALLENGER = "projects/p/models/income/aliases/challenger"
DEPLOYMENT = "projects/p/deployments/income"
HEADER = "id,age,hours-per-week,workclass\n"
ENDED = (task_pb2.TASK_STATE_SUCCEEDED, task_pb2.TASK_STATE_FAILED, task_pb2.TASK_STATE_CANCELLED)
WITHIN_SECONDS = 180.0


@pytest.fixture(scope="module")
def income(tmp_path_factory: pytest.TempPathFactory) -> packages.Package:
    return packages.classifier(tmp_path_factory.mktemp("income") / "one", trees=50)


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory, income: packages.Package) -> Iterator[RunningService]:
    folder = tmp_path_factory.mktemp("batch")
    # Parts of a megabyte, one at a time, so that there is a middle to be killed in.
    running = RunningService(
        folder / "home", {"FAIRLEAD_SERVING_BATCH_PART_MB": "1", "FAIRLEAD_SERVING_BATCH_THREADS": "1"}
    )
    running.add_version(V1, income.folder)
    running.add_version(V2, packages.classifier(folder / "two", trees=2).folder, CHALLENGER)
    running.start()
    running.deploy("income", V1)
    yield running
    running.close()


def begin(service: RunningService, **fields: Any) -> task_pb2.Task:
    return service.predictions.BatchPredict(BatchPredictRequest(deployment=DEPLOYMENT, **fields)).task


def begin_file(service: RunningService, text: str, name: str = "rows.csv", **fields: Any) -> task_pb2.Task:
    return begin(service, source_blob=service.blobs.put_bytes(text.encode()).key, file_name=name, **fields)


def wait_for(condition: Callable[[], bool]) -> None:
    until = time.monotonic() + WITHIN_SECONDS
    while not condition():
        assert time.monotonic() < until, "what was waited for did not happen"
        time.sleep(0.01)


def state_of(service: RunningService, task: task_pb2.Task) -> task_pb2.Task:
    return TaskServiceStub(service.channel).GetTask(GetTaskRequest(name=task.name)).task


def ended(service: RunningService, task: task_pb2.Task) -> task_pb2.Task:
    wait_for(lambda: state_of(service, task).state in ENDED)
    return state_of(service, task)


def result_of(service: RunningService, task: task_pb2.Task) -> BatchPrediction:
    done = ended(service, task)
    assert (done.state, done.error) == (task_pb2.TASK_STATE_SUCCEEDED, "")
    made = BatchPrediction()
    assert done.result.Unpack(made)
    return made


def logged(service: RunningService, task: task_pb2.Task) -> list[task_pb2.LogLine]:
    return [event.unpack(task_pb2.LogLine) for event in service.events.replay(topics.LOGS, key=task.name)]


def parts_of(line: task_pb2.LogLine) -> int:
    return int(line.meta.fields["parts"].number_value)


def census_text(rows: int, salt: str) -> str:
    """A CSV file that no other test has: its parts would be taken up."""
    table, _ = packages.census_rows(rows, seed=4)
    return HEADER + "".join(f"{salt}-{row},{a:.0f},{h:.0f},{w}\n" for row, (a, h, w) in enumerate(table.tolist()))


def parts(service: RunningService) -> list[Path]:
    return [*(service.home / "serving" / "batches").glob("*/part-??????.json")]


def test_a_file_is_predicted_as_it_is_without_the_profiler(service: RunningService) -> None:
    made = result_of(service, begin_file(service, HEADER + "1,39,40,Private\n2,61,65,\n", max_rejected_rows=0))

    assert (made.row_count, made.rejected_row_count, made.rejected_blob) == (2, 0, "")
    assert (made.model_version, made.file_name, made.dataset_version) == (V1, "rows.csv", "")
    header, first, _second = service.blobs.fetch(made.result_blob).read_text().splitlines()
    assert header == HEADER.strip() + ",prediction,probability_<=50K,probability_>50K"
    assert first.startswith("1,39,40,Private,")
    assert not parts(service)


def test_a_file_and_the_dataset_version_it_would_become_are_predicted_alike(
    service: RunningService, tmp_path: Path
) -> None:
    text = census_text(500, "alike")
    (tmp_path / "rows.csv").write_text(text)
    pa.parquet.write_table(pa.csv.read_csv(tmp_path / "rows.csv"), tmp_path / "rows.parquet")
    version = "projects/p/datasets/census/versions/1"
    service.add_dataset(version, tmp_path / "rows.parquet", 500)

    by_file = result_of(service, begin_file(service, text))
    by_version = result_of(service, begin(service, dataset_version=version))

    assert by_version.dataset_version == version
    assert by_version.result_blob == by_file.result_blob


def test_rows_that_can_not_be_read_are_in_a_file_beside_the_result(service: RunningService) -> None:
    task = begin_file(service, HEADER + "1,39,40,Private\n2,old,40,Private\n3,61\n", format="jsonl")
    made = result_of(service, task)

    assert (made.row_count, made.rejected_row_count, made.format) == (1, 2, "jsonl")
    told = service.blobs.fetch(made.rejected_blob).read_text().splitlines()
    assert told[0] == "row,column,reason,value"
    assert told[1] == "2,age,is not a number,old"
    assert told[2].startswith("3,,has 2 values instead of 4")
    assert any(line.level == "WARNING" and "Left out 2 rows" in line.message for line in logged(service, task))


def test_too_many_bad_rows_fail_the_task_with_a_clear_text(service: RunningService) -> None:
    text = HEADER + "1,39,40,Private\n2,old,40,Private\n3,older,40,Private\n"
    done = ended(service, begin_file(service, text, max_rejected_rows=1))

    assert (done.state, done.error_code) == (task_pb2.TASK_STATE_FAILED, "INVALID_ARGUMENT")
    assert "more than the limit of 1: row 2, column 'age': 'old' is not a number" in done.error
    assert not [*(service.home / "serving" / "batches").iterdir()]


def test_a_column_that_is_not_there_is_named(service: RunningService) -> None:
    done = ended(service, begin_file(service, "age,workclass\n39,Private\n"))
    assert "'hours-per-week'" in done.error


def test_the_champion_predicts_unless_another_version_is_named(service: RunningService) -> None:
    text = census_text(50, "named")
    champion = result_of(service, begin_file(service, text))
    named = result_of(service, begin_file(service, text, model_version=CHALLENGER))

    assert (champion.model_version, named.model_version) == (V1, V2)
    assert champion.result_blob != named.result_blob


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"source_blob": "sha256/ab/ab", "file_name": "book.xlsx"},
        {"source_blob": "sha256/ab/ab", "model_version": "projects/other/models/m/versions/1"},
        {"source_blob": "sha256/ab/ab", "max_rejected_rows": -1},
        {"source_blob": "sha256/ab/ab", "dataset_version": "projects/p/datasets/d/versions/1"},
    ],
)
def test_what_can_not_be_predicted_is_refused_at_once(service: RunningService, fields: dict[str, Any]) -> None:
    with pytest.raises(InvalidArgument):
        begin(service, **fields)


def assert_predicted_in_order(result: Path, format: str, salt: str, income: packages.Package) -> None:
    """The result has every row of census_text once, in its order, with what the pipeline predicts in memory."""
    table = pa.parquet.read_table(result) if format == "parquet" else pa.csv.read_csv(result)
    rows, _ = packages.census_rows(table.num_rows, seed=4)
    expected = income.pipeline.predict_proba(rows)
    assert table["id"].to_pylist() == [f"{salt}-{row}" for row in range(len(rows))]
    np.testing.assert_allclose(table["probability_>50K"].to_numpy(), expected[:, 1], atol=1e-6)
    assert table["prediction"].to_pylist() == np.where(expected[:, 1] > expected[:, 0], ">50K", "<=50K").tolist()


@pytest.mark.parametrize("format", ["csv", "parquet"])
def test_a_service_killed_in_the_middle_goes_on_where_it_was_with_the_same_result(
    service: RunningService, income: packages.Package, format: str
) -> None:
    text = census_text(250_000, f"killed-{format}")
    task = begin_file(service, text, format=format)
    wait_for(lambda: len(parts(service)) >= 2)
    service.end(signal.SIGKILL)
    done = len(parts(service))
    service.start()

    made = result_of(service, task)

    assert state_of(service, task).attempt == 2
    (resumed,) = [line for line in logged(service, task) if line.source == "batch_predict.resume"]
    assert "checked and whole" in resumed.message
    assert max(2, done - 1) <= parts_of(resumed) < 8
    assert made.row_count == 250_000
    assert_predicted_in_order(service.blobs.fetch(made.result_blob), format, f"killed-{format}", income)
    assert not parts(service)
    # Asked for again the whole work is done without an interruption.
    again = begin_file(service, text, format=format)
    assert result_of(service, again).result_blob == made.result_blob
    assert "batch_predict.resume" not in {line.source for line in logged(service, again)}


def test_what_a_killed_worker_had_done_is_taken_up_by_who_asks_again(service: RunningService) -> None:
    text = census_text(250_000, "worker")
    task = begin_file(service, text)
    wait_for(lambda: len(parts(service)) >= 2)
    assert service.process is not None
    (worker,) = [
        child
        for child in psutil.Process(service.process.pid).children(recursive=True)
        if child.status() != psutil.STATUS_ZOMBIE and task.name in child.cmdline()
    ]
    worker.send_signal(signal.SIGKILL)
    assert "signal 9" in ended(service, task).error

    again = begin_file(service, text)

    assert result_of(service, again).row_count == 250_000
    (resumed,) = [line for line in logged(service, again) if line.source == "batch_predict.resume"]
    assert parts_of(resumed) >= 2


def test_a_dataset_goes_on_after_a_kill_while_the_profiler_is_away(
    service: RunningService, income: packages.Package, tmp_path: Path
) -> None:
    version = "projects/p/datasets/away/versions/1"
    (tmp_path / "rows.csv").write_text(census_text(250_000, "away"))
    pa.parquet.write_table(pa.csv.read_csv(tmp_path / "rows.csv"), tmp_path / "rows.parquet")
    service.add_dataset(version, tmp_path / "rows.parquet", 250_000)
    nowhere = f"127.0.0.1:{free_port()}"

    service.end(signal.SIGKILL)
    service.spawn(FAIRLEAD_PROFILER_ADDRESS=nowhere)
    service.wait_until_ready()
    task = begin(service, dataset_version=version)
    wait_for(lambda: any("Waiting for another service" in line.message for line in logged(service, task)))
    assert state_of(service, task).state == task_pb2.TASK_STATE_RUNNING

    service.end(signal.SIGKILL)
    service.start()
    wait_for(lambda: len(parts(service)) >= 2)
    service.end(signal.SIGKILL)
    service.spawn(FAIRLEAD_PROFILER_ADDRESS=nowhere)
    service.wait_until_ready()
    made = result_of(service, task)
    service.end(signal.SIGKILL)
    service.start()

    assert state_of(service, task).attempt == 3
    assert [line for line in logged(service, task) if "checked and whole" in line.message]
    assert_predicted_in_order(service.blobs.fetch(made.result_blob), "csv", "away", income)


def test_what_was_predicted_before_too_many_bad_rows_is_taken_up_where_more_are_allowed(
    service: RunningService,
) -> None:
    # Of other tests' tasks there may be parts.
    before = {*(service.home / "serving" / "batches").iterdir()}
    text = census_text(120_000, "limit") + "a,old,40,Private\nb,older,40,Private\n"
    failed = ended(service, begin_file(service, text, max_rejected_rows=1))
    assert "more than the limit of 1: row 120001, column 'age'" in failed.error

    again = begin_file(service, text, max_rejected_rows=2)

    assert result_of(service, again).rejected_row_count == 2
    (resumed,) = [line for line in logged(service, again) if line.source == "batch_predict.resume"]
    assert parts_of(resumed) >= 2
    assert not {*(service.home / "serving" / "batches").iterdir()} - before


def test_memory_stays_bounded_whatever_the_file_is(service: RunningService) -> None:
    """Ten times the rows may not take more than a little more memory; the file itself is larger than the bound."""
    assert service.process is not None
    serving = psutil.Process(service.process.pid)

    def most_memory(rows: int) -> int:
        text = HEADER + f"{'x' * 200},39,40,Private\n" * rows
        task, most = begin_file(service, text), 0
        while state_of(service, task).state not in ENDED:
            for child in serving.children(recursive=True):
                try:
                    most = max(most, child.memory_info().rss)
                except psutil.NoSuchProcess:
                    continue
            time.sleep(0.01)
        assert result_of(service, task).row_count == rows
        return most

    small, large = most_memory(40_000), most_memory(400_000)

    assert large - small < 60 * 1024 * 1024


def test_a_job_whose_pod_was_lost_goes_on_where_nothing_of_it_is_on_the_disk(
    tmp_path: Path, income: packages.Package
) -> None:
    service = RunningService(tmp_path, {"FAIRLEAD_SERVING_BATCH_PART_MB": "1", "FAIRLEAD_SERVING_BATCH_THREADS": "1"})
    service.add_version(V1, income.folder)
    service.start()
    service.deploy("income", V1)
    service.end(signal.SIGTERM)
    # Nobody owns the task: as a Job, its work is not this service's child.
    engine, events = backends.database(service.settings), backends.event_log(service.settings)
    tasks = TaskStore(engine, events, "serving")
    blob = service.blobs.put_bytes(census_text(250_000, "job").encode())
    request = BatchPredictRequest(deployment=DEPLOYMENT, source_blob=blob.key, file_name="rows.csv")
    task = tasks.create("p", BATCH_KIND, request)
    kept = Checkpoints(service.blobs, task.name)

    first = work_as_job(service, task)
    wait_for(lambda: len(kept.names()) >= 3)
    first.kill()
    first.wait()
    shutil.rmtree(tmp_path / "serving")
    assert tasks.requeue(task.name)
    assert work_as_job(service, task).wait(WITHIN_SECONDS) == 0

    done = tasks.get(task.name)
    assert (done.state, done.attempt) == (task_pb2.TASK_STATE_SUCCEEDED, 2)
    made = BatchPrediction()
    assert done.result.Unpack(made)
    (resumed,) = [line for line in logged(service, task) if line.source == "batch_predict.resume"]
    assert parts_of(resumed) >= 2
    assert made.row_count == 250_000
    assert_predicted_in_order(service.blobs.fetch(made.result_blob), "csv", "job", income)
    # The owner that follows clears what is left.
    service.start()
    wait_for(lambda: not kept.names())
    service.close()
    events.close()
    engine.dispose()


def work_as_job(service: RunningService, task: task_pb2.Task) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "services.serving.worker", task.name]
    return subprocess.Popen(command, cwd=ROOT, env=service.environment | {"FAIRLEAD_RUNNER": "kubernetes"})
