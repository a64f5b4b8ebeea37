"""A deployed model answers the same everywhere, and stock clients can talk to it."""

from __future__ import annotations

import csv
import json
import math
import os
import subprocess
import sys
from pathlib import Path

import pytest

from fairlead import Client
from fairlead.up.ports import INFERENCE_GRPC, INFERENCE_REST
from tests.data import ROOT
from tests.e2e.jobs import ADULT, DATASETS, HOUSING, Dataset, Jobs
from tests.e2e.running import RunningFairlead

pytestmark = pytest.mark.e2e

ROWS = 1000
TOLERANCE = 1e-5


def close(left: float, right: float) -> bool:
    return math.isclose(left, right, rel_tol=TOLERANCE, abs_tol=TOLERANCE)


@pytest.mark.parametrize("dataset", DATASETS, ids=lambda dataset: dataset.id)
def test_a_trained_model_can_be_deployed_and_answers(jobs: Jobs, client: Client, dataset: Dataset) -> None:
    deployment = jobs.deployed(dataset)

    answer = client.deployments.predict(dataset.id, jobs.rows(dataset, 5))

    assert deployment["state"] == "ready"
    assert len(answer["predictions"]) == 5


@pytest.mark.parametrize("dataset", [ADULT, HOUSING], ids=lambda dataset: dataset.id)
def test_rest_grpc_batch_and_mlflow_agree(
    jobs: Jobs, client: Client, running: RunningFairlead, tmp_path: Path, dataset: Dataset
) -> None:
    deployment = jobs.deployed(dataset)
    rows = jobs.rows(dataset, ROWS)
    by_rest = [_score(p) for p in client.deployments.predict(dataset.id, rows)["predictions"]]

    by_grpc = _in_process("infer_grpc.py", running, deployment, rows, tmp_path)
    by_mlflow = _in_process("load_mlflow.py", running, deployment, rows, tmp_path)
    task = client.deployments.predict_batch(dataset.id, dataset.id)
    client.tasks.download_result(task["name"], tmp_path / "batch.csv")
    with (tmp_path / "batch.csv").open() as file:
        batch = [row for row, _ in zip(csv.DictReader(file), range(ROWS), strict=False)]
    by_batch = [_batch_score(row) for row in batch]

    assert len(by_rest) == len(by_grpc) == len(by_mlflow) == len(by_batch) == ROWS
    for other in (by_grpc, by_batch, by_mlflow):
        different = [(i, a, b) for i, (a, b) in enumerate(zip(by_rest, other, strict=True)) if not close(a, b)]
        assert different == []


@pytest.mark.parametrize("protocol", ["http", "grpc"])
def test_a_stock_triton_client_gets_metadata_and_infers(
    jobs: Jobs, running: RunningFairlead, tmp_path: Path, protocol: str
) -> None:
    deployment = jobs.deployed(ADULT)
    port = running.base_port + (INFERENCE_REST if protocol == "http" else INFERENCE_GRPC)
    request = tmp_path / "request.json"
    request.write_text(
        json.dumps(
            {
                "protocol": protocol,
                "url": f"127.0.0.1:{port}",
                "token": running.token,
                "model": deployment["inference_name"],
                "rows": jobs.rows(ADULT, 3),
            }
        )
    )

    done = subprocess.run(
        [sys.executable, str(ROOT / "tests" / "e2e" / "programs" / "triton_client.py"), str(request)],
        capture_output=True,
        text=True,
    )

    assert done.returncode == 0, done.stderr
    answer = json.loads(done.stdout)
    assert answer["ready"] is True
    assert answer["metadata_name"] == deployment["inference_name"]
    assert set(answer["labels"]) <= {"<=50K", ">50K"}
    assert all(close(sum(row), 1.0) for row in answer["probabilities"])


def test_a_missing_column_is_named(jobs: Jobs, client: Client) -> None:
    from fairlead import ApiError

    jobs.deployed(ADULT)
    (row,) = jobs.rows(ADULT, 1)
    del row["occupation"]

    with pytest.raises(ApiError, match="occupation") as refused:
        client.deployments.predict(ADULT.id, [row])
    assert refused.value.status == 400


def test_the_inference_ports_need_a_token(jobs: Jobs, running: RunningFairlead) -> None:
    import httpx

    deployment = jobs.deployed(ADULT)
    base = f"http://127.0.0.1:{running.base_port + INFERENCE_REST}/v2"

    assert httpx.get(f"{base}/health/live").status_code == 200
    assert httpx.get(f"{base}/models/{deployment['inference_name']}").status_code == 401


def _score(prediction: dict[str, object]) -> float:
    """Return what is compared: the last class's probability, or the value."""
    probabilities = prediction.get("probabilities")
    if isinstance(probabilities, dict):
        return float(list(probabilities.values())[-1])
    return float(str(prediction["value"]))


def _batch_score(row: dict[str, str]) -> float:
    names = [name for name in row if name.startswith("probability_")]
    return float(row[names[-1]] if names else row["prediction"])


def _in_process(
    program: str, running: RunningFairlead, deployment: dict[str, object], rows: list[dict[str, object]], folder: Path
) -> list[float]:
    request = folder / f"{program}.json"
    request.write_text(
        json.dumps(
            {
                "mlflow_url": running.mlflow_url,
                "token": running.token,
                "address": f"127.0.0.1:{running.base_port + INFERENCE_GRPC}",
                "model": deployment["inference_name"],
                "model_version": deployment["model_version"],
                "rows": rows,
            }
        )
    )
    done = subprocess.run(
        [sys.executable, str(ROOT / "tests" / "e2e" / "programs" / program), str(request)],
        capture_output=True,
        text=True,
        env={**os.environ, **running.environment},
    )
    assert done.returncode == 0, done.stderr
    return [float(score) for score in json.loads(done.stdout.splitlines()[-1])]
