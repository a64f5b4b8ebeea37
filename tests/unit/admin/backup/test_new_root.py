"""MLflow's absolute URIs follow its artifacts to another place."""

from __future__ import annotations

import pytest

from fairlead.admin.backup.artifacts import NewRoot


@pytest.mark.parametrize(
    ("uri", "expected"),
    [
        ("file:///old%20home/mlflow-artifacts/default.adult/1/artifacts", "s3://b/p/mlflow/default.adult/1/artifacts"),
        ("/old home/mlflow-artifacts/default.adult", "s3://b/p/mlflow/default.adult"),
        ("file:///old%20home/mlflow-artifacts", "s3://b/p/mlflow"),
        ("file:///old%20home/mlflow-artifacts-2/x", "file:///old%20home/mlflow-artifacts-2/x"),
        ("mlflow-artifacts:/0", "mlflow-artifacts:/0"),
    ],
)
def test_a_uri_below_the_old_root_moves(uri: str, expected: str) -> None:
    assert NewRoot("file:///old%20home/mlflow-artifacts", "s3://b/p/mlflow/").rewrite(uri) == expected


def test_only_the_columns_that_hold_uris_change() -> None:
    run = {"artifact_uri": "s3://old/mlflow/1", "name": "s3://old/mlflow/1", "end_time": None}

    NewRoot("s3://old/mlflow", "file:///new")("runs", run)

    assert run == {"artifact_uri": "file:///new/1", "name": "s3://old/mlflow/1", "end_time": None}
