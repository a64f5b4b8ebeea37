"""The profiler as its own process: a real gRPC socket, real child processes, real files."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import grpc
import pytest

from fairlead.api.common.v1 import table_pb2
from fairlead.api.profiler.v1 import (
    dataset_pb2,
    dataset_service_pb2,
    dataset_service_pb2_grpc,
    profile_pb2,
    profile_service_pb2,
    profile_service_pb2_grpc,
)
from fairlead.api.tasks.v1 import task_pb2, task_service_pb2, task_service_pb2_grpc
from fairlead.kit import backends
from fairlead.kit.errors import InvalidArgument, NotFound, Unauthenticated, Unavailable
from fairlead.kit.events import open_event_log, topics
from fairlead.kit.rpc.channel import connect
from fairlead.kit.settings import KitSettings
from tests.data import ROOT, SHARED_DATA
from tests.ports import free_port

TOKEN = "the-services-secret"
PROJECT = "projects/default"
ENDED = (task_pb2.TASK_STATE_SUCCEEDED, task_pb2.TASK_STATE_FAILED, task_pb2.TASK_STATE_CANCELLED)


class House:
    """One machine's home folder with a profiler in it, and settings (without FAIRLEAD_) where given."""

    def __init__(self, home: Path, **settings: str) -> None:
        self.home = home
        self.settings = {f"FAIRLEAD_{name.upper()}": value for name, value in settings.items()}
        self.blobs = backends.blob_store(KitSettings(home=home, **settings))
        self.port = free_port(100)
        channel = connect(f"127.0.0.1:{self.port}", token=TOKEN)
        self.datasets = dataset_service_pb2_grpc.DatasetServiceStub(channel)
        self.profiles = profile_service_pb2_grpc.ProfileServiceStub(channel)
        self.tasks = task_service_pb2_grpc.TaskServiceStub(channel)
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        environment = os.environ | {
            "FAIRLEAD_HOME": str(self.home),
            "FAIRLEAD_SERVICE_TOKEN": TOKEN,
            "FAIRLEAD_PROFILER_ADDRESS": f"127.0.0.1:{self.port}",
            **self.settings,
        }
        with (self.home / "profiler.log").open("ab") as log:
            command = [sys.executable, "-m", "services.profiler"]
            self._process = subprocess.Popen(command, cwd=ROOT, env=environment, stderr=log)
        self._until_ready()

    def end(self, number: int) -> int:
        assert self._process is not None
        self._process.send_signal(number)
        return self._process.wait(30)

    def _until_ready(self) -> None:
        for _ in range(300):
            try:
                self.tasks.ListTasks(task_service_pb2.ListTasksRequest(parent=PROJECT))
                return
            except Unavailable:
                time.sleep(0.1)
        raise AssertionError((self.home / "profiler.log").read_text())

    def upload(self, path: Path, dataset: str, request_id: str = "", name: str = "") -> task_pb2.Task:
        request = dataset_service_pb2.ImportDatasetRequest(
            parent=PROJECT,
            dataset_id=dataset,
            source_blob=self.blobs.put_file(path).key,
            file_name=name or path.name,
            request_id=request_id,
        )
        return self.datasets.ImportDataset(request).task

    def ended(self, task: task_pb2.Task) -> task_pb2.Task:
        for _ in range(600):
            task = self.tasks.GetTask(task_service_pb2.GetTaskRequest(name=task.name)).task
            if task.state in ENDED:
                return task
            time.sleep(0.1)
        raise AssertionError(f"{task}\n{(self.home / 'profiler.log').read_text()}")

    def imported(self, path: Path, dataset: str) -> dataset_pb2.DatasetVersion:
        task = self.ended(self.upload(path, dataset))
        version = dataset_pb2.DatasetVersion()
        assert task.result.Unpack(version), task
        return version

    def profiled(self, version: str, target: table_pb2.Target | None = None) -> profile_pb2.Profile:
        request = profile_service_pb2.CreateProfileRequest(parent=version, target=target)
        task = self.ended(self.profiles.CreateProfile(request).task)
        profile = profile_pb2.Profile()
        assert task.result.Unpack(profile), task
        return profile


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    house = House(tmp_path_factory.mktemp("profiler"))
    house.start()
    yield house
    assert house.end(signal.SIGTERM) == 0


def test_a_file_becomes_a_version_with_its_original_kept_untouched(house: House) -> None:
    source = SHARED_DATA / "penguins" / "penguins.csv"
    version = house.imported(source, "penguins")
    assert version.name == f"{PROJECT}/datasets/penguins/versions/1"
    assert (version.row_count, len(version.fields), version.format) == (344, 7, "csv")
    assert house.blobs.fetch(version.original_blob).read_bytes() == source.read_bytes()
    assert house.blobs.fetch(version.parquet_blob).read_bytes()[:4] == b"PAR1"
    assert house.blobs.size(version.parquet_blob) == version.parquet_bytes
    latest = dataset_service_pb2.GetDatasetVersionRequest(name=f"{PROJECT}/datasets/penguins/versions/latest")
    assert house.datasets.GetDatasetVersion(latest).dataset_version == version


def test_the_same_bytes_give_the_version_there_is_and_others_a_new_one(house: House, tmp_path: Path) -> None:
    path = tmp_path / "small.csv"
    path.write_text("a,b\n1,x\n2,y\n")
    first = house.imported(path, "growing")
    assert house.imported(path, "growing") == first
    path.write_text("a,b\n1,x\n2,y\n3,z\n")
    assert house.imported(path, "growing").name.endswith("/versions/2")
    request = dataset_service_pb2.ListDatasetVersionsRequest(parent=f"{PROJECT}/datasets/growing", page_size=1)
    page = house.datasets.ListDatasetVersions(request)
    assert [version.row_count for version in page.dataset_versions] == [3]
    request.page_token = page.next_page_token
    rest = house.datasets.ListDatasetVersions(request)
    assert ([version.row_count for version in rest.dataset_versions], rest.next_page_token) == ([2], "")


def test_a_broken_file_fails_its_task_with_line_and_reason_and_makes_no_version(house: House, tmp_path: Path) -> None:
    path = tmp_path / "broken.csv"
    path.write_text("a,b,c\n1,2,3\n4,5\n6,7,8\n")
    task = house.ended(house.upload(path, "broken"))
    assert (task.state, task.error_code) == (task_pb2.TASK_STATE_FAILED, "INVALID_ARGUMENT")
    assert "line 3" in task.error
    assert "nothing was imported" in task.error
    with pytest.raises(NotFound):
        house.datasets.GetDataset(dataset_service_pb2.GetDatasetRequest(name=f"{PROJECT}/datasets/broken"))


def test_the_same_request_id_gives_the_same_task(house: House) -> None:
    path = SHARED_DATA / "penguins" / "penguins.jsonl"
    assert house.upload(path, "twice", "once").name == house.upload(path, "twice", "once").name


def test_rows_are_returned_as_numbers_and_texts_with_missing_values(house: House) -> None:
    version = house.imported(SHARED_DATA / "penguins" / "penguins.csv", "penguins")
    request = dataset_service_pb2.ListRowsRequest(parent=version.name, page_size=2, skip=2)
    columns = {column.name: column for column in house.datasets.ListRows(request).columns}
    assert list(columns["species"].texts.values) == ["Adelie", "Adelie"]
    assert columns["bill_length_mm"].numbers.values[0] == 40.3
    assert columns["bill_length_mm"].numbers.values[1] != columns["bill_length_mm"].numbers.values[1]
    assert list(columns["sex"].texts.values) == ["FEMALE", ""]


def test_a_profile_guesses_the_target_and_suggests_steps_and_models(house: House) -> None:
    version = house.imported(SHARED_DATA / "adult" / "adult.csv", "adult")
    profile = house.profiled(f"{PROJECT}/datasets/adult/versions/latest")
    assert profile.name == f"{version.name}/profile"
    assert (profile.row_count, profile.duplicate_row_count) == (32_561, 24)
    assert profile.target.column == profile.target_guess.column == "income-per-year"
    assert profile.task_type == table_pb2.TASK_TYPE_BINARY
    age = next(column for column in profile.columns if column.name == "age")
    assert (age.numeric.min, age.numeric.max, round(age.numeric.mean, 4)) == (17, 90, 38.5816)
    assert all("income-per-year" not in step.columns for step in profile.preparation_suggestions)
    assert len({step.id for step in profile.preparation_suggestions}) == len(profile.preparation_suggestions)
    assert profile.model_suggestions[0].family == "lightgbm"
    stored = house.profiles.GetProfile(profile_service_pb2.GetProfileRequest(name=profile.name)).profile
    assert stored == profile


def test_a_condition_makes_a_target_of_two_classes(house: House) -> None:
    version = house.imported(SHARED_DATA / "heart_disease" / "heart_disease.csv", "heart")
    profile = house.profiled(version.name, table_pb2.Target(column="num", condition="> 0"))
    assert profile.task_type == table_pb2.TASK_TYPE_BINARY
    assert (profile.target.column, profile.target.condition) == ("num", "> 0")
    assert house.profiled(version.name).task_type == table_pb2.TASK_TYPE_MULTICLASS


def test_log_lines_tell_the_real_figures(house: House) -> None:
    task = house.ended(house.upload(SHARED_DATA / "wine_quality" / "winequality_red.csv", "wine"))
    events = open_event_log(f"sqlite:///{house.home}/events.db", source="test")
    lines = [event.unpack(task_pb2.LogLine) for event in events.replay(topics.LOGS, key=task.name)]
    events.close()
    said = {line.source: line.message for line in lines}
    assert "semicolon-separated" in said["import.sniff"]
    assert "1,599 rows of 12 columns" in said["import.read"]
    assert next(line.meta["rows"] for line in lines if line.source == "import.convert") == 1599


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"dataset_id": "Bad Name"}, "dataset_id"),
        ({"source_blob": "sha256/00/" + "0" * 64}, "source_blob"),
        ({"source_blob": ""}, "source_blob"),
    ],
)
def test_a_bad_import_is_refused_with_the_field(house: House, change: dict[str, str], field: str) -> None:
    blob = house.blobs.put_bytes(b"a,b\n1,2\n").key
    request = dataset_service_pb2.ImportDatasetRequest(parent=PROJECT, dataset_id="fine", source_blob=blob)
    for name, value in change.items():
        setattr(request, name, value)
    with pytest.raises(InvalidArgument) as refusal:
        house.datasets.ImportDataset(request)
    assert [violation.field for violation in refusal.value.violations] == [field]


def test_a_target_that_is_no_column_is_refused_with_the_columns(house: House) -> None:
    version = house.imported(SHARED_DATA / "penguins" / "penguins.csv", "penguins")
    request = profile_service_pb2.CreateProfileRequest(parent=version.name, target=table_pb2.Target(column="kind"))
    with pytest.raises(InvalidArgument, match="species, island"):
        house.profiles.CreateProfile(request)
    request.target.column, request.target.condition = "species", "like Adelie"
    with pytest.raises(InvalidArgument, match="no comparison"):
        house.profiles.CreateProfile(request)


def test_what_is_not_there_is_not_found_and_says_what_to_do(house: House, tmp_path: Path) -> None:
    with pytest.raises(NotFound, match="upload a file"):
        house.datasets.GetDataset(dataset_service_pb2.GetDatasetRequest(name=f"{PROJECT}/datasets/none"))
    path = tmp_path / "fresh.csv"
    path.write_text("a,b\n1,x\n2,y\n")
    version = house.imported(path, "fresh")
    with pytest.raises(NotFound, match="create one"):
        house.profiles.GetProfile(profile_service_pb2.GetProfileRequest(name=f"{version.name}/profile"))
    absent = dataset_service_pb2.GetDatasetVersionRequest(name=f"{PROJECT}/datasets/fresh/versions/7")
    with pytest.raises(NotFound, match="no version 7"):
        house.datasets.GetDatasetVersion(absent)


def test_a_deleted_dataset_is_gone_and_its_version_numbers_are_not_used_again(house: House, tmp_path: Path) -> None:
    path = tmp_path / "passing.csv"
    path.write_text("a,b\n1,x\n2,y\n")
    version = house.imported(path, "passing")
    house.datasets.DeleteDataset(dataset_service_pb2.DeleteDatasetRequest(name=f"{PROJECT}/datasets/passing"))
    with pytest.raises(NotFound):
        house.datasets.GetDatasetVersion(dataset_service_pb2.GetDatasetVersionRequest(name=version.name))
    names = [dataset.name for dataset in listed(house)]
    assert f"{PROJECT}/datasets/passing" not in names
    assert house.imported(path, "passing").name.endswith("/versions/2")


def listed(house: House) -> list[dataset_pb2.Dataset]:
    request = dataset_service_pb2.ListDatasetsRequest(parent=PROJECT, page_size=2)
    found: list[dataset_pb2.Dataset] = []
    while True:
        page = house.datasets.ListDatasets(request)
        found += page.datasets
        if not page.next_page_token:
            assert [dataset.name for dataset in found] == sorted(dataset.name for dataset in found)
            return found
        request.page_token = page.next_page_token


def test_without_the_token_nothing_is_answered(house: House) -> None:
    stranger = dataset_service_pb2_grpc.DatasetServiceStub(connect(f"127.0.0.1:{house.port}", token="wrong"))
    with pytest.raises(Unauthenticated):
        stranger.ListDatasets(dataset_service_pb2.ListDatasetsRequest(parent=PROJECT))
    with grpc.insecure_channel(f"127.0.0.1:{house.port}") as channel, pytest.raises(grpc.RpcError):
        dataset_service_pb2_grpc.DatasetServiceStub(channel).ListDatasets(
            dataset_service_pb2.ListDatasetsRequest(parent=PROJECT)
        )


def test_work_that_a_crash_of_the_service_interrupts_is_finished_after_a_restart(tmp_path: Path) -> None:
    house = House(tmp_path)
    house.start()
    path = tmp_path / "large.csv"
    with path.open("w") as sink:
        sink.write("a,b,c\n")
        sink.writelines(f"{i},{i / 7:.3f},{'xyz'[i % 3]}\n" for i in range(300_000))
    task = house.upload(path, "large")
    house.end(signal.SIGKILL)
    house.start()
    ended = house.ended(task)
    assert ended.state == task_pb2.TASK_STATE_SUCCEEDED, ended
    assert house.profiled(f"{PROJECT}/datasets/large/versions/1").row_count == 300_000
    assert house.end(signal.SIGTERM) == 0
