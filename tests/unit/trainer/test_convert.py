"""Between protobuf and the domain."""

from __future__ import annotations

import pytest
from google.protobuf.duration_pb2 import Duration

from fairlead.api.common.v1 import table_pb2
from fairlead.api.common.v1.preparation_pb2 import PreparationStep
from fairlead.api.profiler.v1.dataset_pb2 import DatasetVersion, Field
from fairlead.api.trainer.v1.run_pb2 import RunSpec
from fairlead.kit.errors import InvalidArgument
from services.trainer.convert import (
    budget_seconds,
    column_kind_message,
    column_kind_name,
    dataset_id,
    resolve_spec,
    task_type_message,
    task_type_name,
)
from services.trainer.convert_preparation import step_specs, table_without_rows


def test_a_spec_is_given_its_defaults() -> None:
    spec = resolve_spec(RunSpec(preparation="projects/red/preparations/p1"))
    assert budget_seconds(spec) == 60.0
    assert spec.holdout == 0.2


@pytest.mark.parametrize(
    ("spec", "field"),
    [
        (RunSpec(budget=Duration(nanos=1000)), "spec.budget"),
        (RunSpec(holdout=0.95), "spec.holdout"),
        (RunSpec(folds=1), "spec.folds"),
        (RunSpec(seed=-1), "spec.seed"),
    ],
)
def test_a_figure_out_of_range_is_refused_by_its_field(spec: RunSpec, field: str) -> None:
    with pytest.raises(InvalidArgument) as caught:
        resolve_spec(spec)
    assert caught.value.violations[0].field == field


def test_enums_go_both_ways() -> None:
    for name in ("binary", "multiclass", "regression"):
        assert task_type_name(task_type_message(name)) == name
    for kind in ("number", "text", "datetime", "boolean"):
        assert column_kind_name(column_kind_message(kind)) == kind
    assert task_type_message("binary") == table_pb2.TASK_TYPE_BINARY


def test_a_step_keeps_its_parameters() -> None:
    step = PreparationStep(id="impute-age", kind="impute", columns=["age"])
    step.params.update({"strategy": "median", "flags": True})
    (spec,) = step_specs([step])
    assert (spec.id, spec.kind, spec.columns) == ("impute-age", "impute", ("age",))
    assert dict(spec.params) == {"strategy": "median", "flags": True}


def test_stored_types_tell_how_a_column_is_read() -> None:
    types = ("BIGINT", "DECIMAL(18,3)", "VARCHAR", "BOOLEAN", "TIMESTAMP WITH TIME ZONE", "DATE", "TIME", "DOUBLE")
    version = DatasetVersion(fields=[Field(name=f"c{i}", type=kind) for i, kind in enumerate(types)])
    table = table_without_rows(version, "c7")
    kinds = ["number", "number", "text", "boolean", "datetime", "datetime", "number"]
    assert [column.kind for column in table.inputs] == kinds
    assert table.row_count == 0


def test_the_dataset_is_read_from_its_versions_name() -> None:
    assert dataset_id("projects/red/datasets/adult/versions/3") == "adult"
