"""Protobuf to JSON by the API's conventions."""

from __future__ import annotations

import math
from datetime import UTC, datetime

from fairlead.api.conductor.v1.workflow_pb2 import WorkflowSpec
from fairlead.api.drift.v1.monitor_pb2 import DriftScore
from fairlead.api.profiler.v1.dataset_pb2 import DatasetVersion
from fairlead.api.tasks.v1.task_pb2 import LogLine, Task, TaskState
from fairlead.api.trainer.v1.model_pb2 import Model
from fairlead.api.trainer.v1.run_pb2 import Run
from services.gateway.convert import instant, seconds, struct, to_json


def test_every_field_is_there_and_absent_messages_are_null() -> None:
    told = to_json(Task(name="projects/p/tasks/t"))

    assert told["name"] == "projects/p/tasks/t"
    assert told["progress"] == 0.0
    assert told["stage"] == ""
    assert told["result"] is None
    assert told["create_time"] is None


def test_enums_are_told_without_their_prefix() -> None:
    assert to_json(Task(state=TaskState.TASK_STATE_RUNNING))["state"] == "running"
    assert to_json(Task())["state"] == "unspecified"


def test_times_are_rfc_3339_in_utc_with_milliseconds_and_durations_are_seconds() -> None:
    moment = datetime(2026, 1, 31, 17, 1, 3, 120_000, tzinfo=UTC)

    assert to_json(Task(create_time=instant(moment)))["create_time"] == "2026-01-31T17:01:03.120Z"
    assert to_json(WorkflowSpec(budget=seconds(1.5)))["budget"] == 1.5


def test_integers_of_64_bits_are_numbers_and_maps_are_objects() -> None:
    assert to_json(Model(aliases={"champion": 2**40}))["aliases"] == {"champion": 2**40}
    assert to_json(DatasetVersion(row_count=5, dialect={"delimiter": ";"}))["row_count"] == 5


def test_what_is_not_finite_is_null() -> None:
    assert to_json(Run(metrics={"roc_auc": math.nan, "r2": 0.5}))["metrics"] == {"roc_auc": None, "r2": 0.5}


def test_an_optional_number_that_is_not_set_is_null() -> None:
    assert to_json(DriftScore(value=1.0))["p_value"] is None
    assert to_json(DriftScore(value=1.0, p_value=0.0))["p_value"] == 0.0


def test_a_result_is_told_with_its_type() -> None:
    task = Task()
    task.result.Pack(Model(name="projects/p/models/m"))

    result = to_json(task)["result"]

    assert result["@type"] == "fairlead.api.trainer.v1.Model"
    assert result["name"] == "projects/p/models/m"


def test_a_result_of_an_unknown_type_is_told_by_its_type_alone() -> None:
    task = Task()
    task.result.type_url = "type.googleapis.com/of.another.Version"

    assert to_json(task)["result"] == {"@type": "of.another.Version"}


def test_figures_of_a_log_line_are_told_as_they_were_written() -> None:
    line = LogLine(meta=struct({"rows": 12, "mean": 35.716, "columns": ["a", None], "more": {"ok": True}}))

    assert to_json(line)["meta"] == {"rows": 12, "mean": 35.716, "columns": ["a", None], "more": {"ok": True}}
