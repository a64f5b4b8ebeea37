"""What each noun asks the gateway for."""

from __future__ import annotations

from pathlib import Path

import pytest

from fairlead import ApiError, Client, TaskFailed
from fairlead.client import WrongProject
from tests.unit.client.messages import TASK, WORKFLOW, task, told
from tests.unit.client.stage import API, Stage, calls, events, page, problem

EVENTS = "GET /tasks/t1/events"


def test_an_upload_is_streamed_in_chunks_and_waited_for(stage: Stage, client: Client, tmp_path: Path) -> None:
    file = tmp_path / "Sales 2024.csv"
    file.write_bytes(b"a,b\n" + b"1,2\n" * 600_000)
    stage.answer("POST /datasets", task("pending"))
    stage.answer(EVENTS, events(told(1, "succeeded", result={"name": "v", "row_count": 600_000})))

    version = client.datasets.upload(file, sheet="first")

    sent = stage.asked[0]
    assert version["row_count"] == 600_000
    assert sent.headers["transfer-encoding"] == "chunked"
    assert sent.body == file.read_bytes()
    assert sent.query == {"dataset_id": "sales-2024", "file_name": "Sales 2024.csv", "sheet": "first"}


def test_an_upload_of_what_is_no_table_raises(stage: Stage, client: Client, tmp_path: Path) -> None:
    file = tmp_path / "a.csv"
    file.write_text("a")
    stage.answer("POST /datasets", task("pending"))
    stage.answer(EVENTS, events(told(1, "failed", error="line 3 has 4 values")))

    with pytest.raises(TaskFailed, match="line 3"):
        client.datasets.upload(file, "mine")
    assert stage.asked[0].query["dataset_id"] == "mine"


def test_a_file_that_is_not_there_is_an_os_error(client: Client, tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        client.datasets.upload(tmp_path / "none.csv")


def test_datasets(stage: Stage, client: Client) -> None:
    stage.answer("GET /datasets", page({"name": "a"}))
    stage.answer("GET /datasets/adult", {"name": "adult"})
    stage.answer("GET /datasets/adult/versions", page({"name": "2"}))
    stage.answer("GET /datasets/adult/versions/latest", {"name": "latest"})
    stage.answer("GET /datasets/adult/versions/2/rows", page({"age": 39}))
    stage.answer("GET /datasets/adult/versions/latest/profile", {"row_count": 3})
    stage.answer("DELETE /datasets/adult", {})

    assert client.datasets.list() == [{"name": "a"}]
    assert client.datasets.get("projects/default/datasets/adult") == {"name": "adult"}
    assert client.datasets.versions("adult") == [{"name": "2"}]
    assert client.datasets.version("adult") == {"name": "latest"}
    assert client.datasets.rows("adult/versions/2", limit=5, skip=10) == [{"age": 39}]
    assert stage.last.query == {"page_size": "5", "skip": "10"}
    assert client.datasets.last_profile("adult") == {"row_count": 3}
    client.datasets.delete("adult")


@pytest.mark.parametrize(("target", "body"), [("income", {"target": "income"}), (None, {})])
def test_a_profile_is_computed_and_returned(
    stage: Stage, client: Client, target: str | None, body: dict[str, str]
) -> None:
    stage.answer("POST /datasets/adult/versions/latest:profile", task())
    stage.answer(EVENTS, events(told(1, "succeeded", result={"row_count": 3})))

    assert client.datasets.profile("adult", target) == {"row_count": 3}
    assert stage.asked[0].json == body


def test_a_workflow_says_only_what_was_said(stage: Stage, client: Client) -> None:
    stage.answer("POST /workflows", {"name": WORKFLOW})

    client.workflows.start("adult/2", target="num > 0", budget="60s", families=["linear"], request_id="once")
    assert stage.last.headers["idempotency-key"] == "once"
    assert stage.last.json == {
        "dataset": "datasets/adult/versions/2",
        "target": "num > 0",
        "budget": "60s",
        "families": ["linear"],
        "require_approval": False,
    }

    client.workflows.start(goal="predict income from adult", skip_steps=["scale"], seed=7)
    assert stage.last.json == {
        "goal": "predict income from adult",
        "skip_steps": ["scale"],
        "seed": 7,
        "require_approval": False,
    }


def test_a_workflow_is_waited_for_shown_and_reviewed(stage: Stage, client: Client) -> None:
    stage.answer(EVENTS, events(told(1, "succeeded")))
    stage.answer("GET /workflows/t1", {"state": "succeeded"})
    stage.answer("GET /workflows", page({"name": WORKFLOW}))
    stage.answer("POST /workflows/t1:review", {"state": "running"})

    assert client.workflows.wait(WORKFLOW) == {"state": "succeeded"}
    assert client.workflows.list() == [{"name": WORKFLOW}]
    assert client.workflows.review(WORKFLOW, approve=True, comment="fine") == {"state": "running"}
    assert stage.last.json == {"approve": True, "comment": "fine"}


def test_runs(stage: Stage, client: Client) -> None:
    stage.answer("GET /runs/r1", {"name": "r1"})
    stage.answer("GET /runs/r1/leaderboard", {"metric": "r2"})

    assert client.runs.get("projects/default/runs/r1") == {"name": "r1"}
    assert client.runs.leaderboard("r1") == {"metric": "r2"}


def test_models(stage: Stage, client: Client) -> None:
    stage.answer("GET /models/adult", {"name": "adult"})
    stage.answer("GET /models/adult/versions", page({"name": "3"}))
    stage.answer("GET /models/adult/aliases/champion", {"name": "3"})
    stage.answer("PUT /models/adult/aliases/challenger", {"name": "adult"})

    assert client.models.get("adult") == {"name": "adult"}
    assert client.models.versions("adult") == [{"name": "3"}]
    assert client.models.version("adult") == {"name": "3"}
    client.models.set_alias("adult", "challenger", 2)
    assert stage.last.json == {"version": 2}


def test_deployments(stage: Stage, client: Client) -> None:
    stage.answer("POST /deployments", {"name": "income"})
    stage.answer("PATCH /deployments/income", {"name": "income"})
    stage.answer("GET /deployments", page({"name": "income"}))
    stage.answer("GET /deployments/income", {"name": "income"})
    stage.answer("DELETE /deployments/income", {})

    client.deployments.create("income", "adult")
    assert stage.last.json == {
        "deployment_id": "income",
        "model_version": "projects/default/models/adult/aliases/champion",
    }
    client.deployments.update("income", "adult/2")
    assert stage.last.json == {"model_version": "projects/default/models/adult/versions/2"}
    assert client.deployments.list() == [client.deployments.get("income")]
    client.deployments.delete("income")
    with pytest.raises(WrongProject):
        client.deployments.create("income", "projects/other/models/adult/versions/1")


def test_predictions_online_and_in_batch(stage: Stage, client: Client) -> None:
    stage.answer("POST /deployments/income:predict", {"request_id": "q", "predictions": []})
    stage.answer("POST /deployments/income:batchPredict", task())
    stage.answer(EVENTS, events(told(1, "succeeded", result={"row_count": 2})))
    stage.answer("POST /deployments/income:feedback", {"accepted_count": 1})

    client.deployments.predict("income", [{"age": 39, "education": None}])
    assert stage.last.json == {"rows": [{"age": 39, "education": None}]}
    assert client.deployments.predict_batch("income", "adult", "parquet")["name"] == TASK
    assert stage.asked[1].json == {
        "dataset_version": "projects/default/datasets/adult/versions/latest",
        "format": "parquet",
    }
    truth = {"request_id": "q", "row": 0, "value": "<=50K"}
    assert client.deployments.feedback("income", [truth]) == {"accepted_count": 1}
    assert stage.last.json == {"truths": [truth]}


def test_monitors(stage: Stage, client: Client) -> None:
    stage.answer("GET /monitors", page({"name": "income"}))
    stage.answer("GET /monitors/income", {"name": "income"})
    stage.answer("PATCH /monitors/income", {"name": "income"})
    stage.answer("GET /monitors/income/reports", page({"name": "5"}))
    stage.answer("GET /monitors/income/alerts", page({"name": "1"}))
    stage.answer("GET /alerts", page())

    assert client.monitors.list() == [client.monitors.get("income")]
    client.monitors.update("income", window_rows=500)
    assert stage.last.json == {"policy": {"window_rows": 500}}
    assert client.monitors.reports("income") == [{"name": "5"}]
    assert client.monitors.alerts("income") == [{"name": "1"}]
    assert client.monitors.alerts() == []


def test_projects(stage: Stage, client: Client) -> None:
    stage.answer(f"POST {API}/projects", {"name": "projects/churn"}, problem(409, "ALREADY_EXISTS", "there is one"))
    stage.answer(f"GET {API}/projects", page({"name": "projects/churn"}))
    stage.answer(f"GET {API}/projects/churn", {"name": "projects/churn"})

    client.projects.create("churn", "Churn")
    assert stage.last.json == {"project_id": "churn", "display_name": "Churn"}
    with pytest.raises(ApiError, match="there is one"):
        client.projects.create("churn")
    assert client.projects.list() == [client.projects.get("churn")]
    assert calls(stage.asked[2:]) == [f"GET {API}/projects", f"GET {API}/projects/churn"]
