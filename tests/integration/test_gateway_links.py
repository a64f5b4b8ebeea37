"""Files go by links straight to S3 and back, past the gateway; a local store says what to do instead."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import httpx
import pytest

from fairlead.api.events.v1.events_pb2 import AuditEntry
from fairlead.api.profiler.v1.dataset_service_pb2 import ImportDatasetRequest
from fairlead.api.serving.v1.prediction_service_pb2 import BatchPrediction, BatchPredictRequest
from fairlead.api.trainer.v1.run_pb2 import Run
from fairlead.client.client import Client
from fairlead.client.errors import ApiError
from fairlead.client.transport import Transport
from fairlead.client.uploads import send_file
from fairlead.kit.events import topics
from tests.servers.s3 import S3Server
from tests.unit.gateway.peers import CSV
from tests.unit.gateway.running import TOKEN, Running, running_gateway
from tests.waiting import until

P = "/api/v1/projects/default"
FILE = b"age,workclass\n" + b"39,State-gov\n" * 200_000
DECLARED = {"size": len(FILE), "sha256": hashlib.sha256(FILE).hexdigest()}


@pytest.fixture(scope="module")
def gateway(tmp_path_factory: pytest.TempPathFactory, s3_server: S3Server) -> Iterator[Running]:
    bucket = s3_server.new_bucket()
    home = tmp_path_factory.mktemp("s3")
    with running_gateway(home, blobs_url=f"s3://{bucket}/blobs", s3_endpoint_url=s3_server.endpoint) as running:
        yield running
    s3_server.drop(bucket)


@pytest.fixture(scope="module")
def embedded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with running_gateway(tmp_path_factory.mktemp("local")) as running:
        yield running


def put(link: dict[str, Any], content: bytes) -> httpx.Response:
    return httpx.request(link["method"], link["url"], headers=link["headers"], content=content)


def get(link: dict[str, Any]) -> httpx.Response:
    assert link["method"] == "GET"
    return httpx.get(link["url"], headers=link["headers"])


def finished(gateway: Running, result: Any) -> str:
    task = gateway.peers.store.create("default", "batch_predict", BatchPredictRequest())
    gateway.peers.store.succeed(task.name, result)
    name = task.name.rpartition("/")[2]
    until(lambda: gateway.json("GET", f"{P}/tasks/{name}")["state"] == "succeeded", "the end of the task")
    return name


def test_a_file_is_uploaded_by_a_link_and_imported(gateway: Running) -> None:
    link = gateway.json("POST", f"{P}/datasets:uploadLink", json=DECLARED)
    assert put(link, FILE[:-1] + b"X").status_code in (400, 403)
    body = {"dataset_id": "adult", "file_name": "adult.csv", "sheet": "S", **DECLARED}
    problem = gateway.json("POST", f"{P}/datasets:import", 400, json=body)
    assert (problem["code"], "PUT it by the link" in problem["detail"]) == ("FAILED_PRECONDITION", True)

    assert put(link, FILE).status_code == 200
    wrong = gateway.json("POST", f"{P}/datasets:import", 400, json={**body, "size": 7})
    assert wrong["errors"] == [{"field": "size", "description": f"is 7, but {len(FILE)} bytes were uploaded"}]
    answer = gateway.http.post(f"{P}/datasets:import", json=body, headers={"Idempotency-Key": "link-1"})
    asked = gateway.peers.last(ImportDatasetRequest)
    assert answer.status_code == 202
    assert answer.headers["location"] == f"/api/v1/{answer.json()['name']}"
    assert gateway.blobs.fetch(asked.source_blob).read_bytes() == FILE
    assert (asked.parent, asked.dataset_id, asked.file_name, asked.sheet, asked.request_id) == (
        "projects/default", "adult", "adult.csv", "S", "link-1",
    )  # fmt: skip


@pytest.mark.parametrize(
    "wrong",
    [{"size": 0}, {"size": 6 * 1024**3}, {"size": 10**12}, {"sha256": "abc"}, {"seconds": 0}, {"seconds": 604_801}],
)
def test_limits_of_upload_links(gateway: Running, wrong: dict[str, Any]) -> None:
    problem = gateway.json("POST", f"{P}/datasets:uploadLink", 400, json={**DECLARED, **wrong})
    assert problem["code"] == "INVALID_ARGUMENT"
    assert [error["field"].rpartition(".")[2] for error in problem["errors"]] == [next(iter(wrong))]


def test_links_need_a_token_and_a_project(gateway: Running) -> None:
    calls = [
        "datasets:uploadLink",
        "datasets:import",
        "datasets/adult/versions/1:downloadLink",
        "tasks/t-1:downloadLink",
    ]
    for call in calls:
        assert httpx.post(f"{gateway.url}{P}/{call}").status_code == 401
    gateway.json("POST", "/api/v1/projects/nowhere/datasets:uploadLink", 404, json=DECLARED)


def test_a_versions_files_are_downloaded_by_links(gateway: Running) -> None:
    path = f"{P}/datasets/adult/versions/latest:downloadLink"
    original, parquet = get(gateway.json("POST", f"{path}?format=original")), get(gateway.json("POST", path))
    assert (original.content, parquet.content) == (CSV, b"PAR1 the parquet copy PAR1")
    assert 'filename="adult.csv"' in original.headers["content-disposition"]
    assert 'filename="adult-1.parquet"' in parquet.headers["content-disposition"]
    gateway.json("POST", f"{path}?seconds=604801", 400)
    gateway.json("POST", f"{P}/datasets/other/versions/1:downloadLink", 404)


def test_the_file_of_a_batch_is_downloaded_by_a_link(gateway: Running) -> None:
    blob = gateway.blobs.put_bytes(b"age,prediction\n39,no\n")
    made = finished(gateway, BatchPrediction(result_blob=blob.key, format="csv", row_count=1))
    answer = get(gateway.json("POST", f"{P}/tasks/{made}:downloadLink"))
    assert answer.content == b"age,prediction\n39,no\n"
    assert f'filename="predictions-{made}.csv"' in answer.headers["content-disposition"]
    other = finished(gateway, Run())
    assert "makes no file" in gateway.json("POST", f"{P}/tasks/{other}:downloadLink", 400)["detail"]


def test_plain_uploads_and_downloads_work_on_s3_too(gateway: Running) -> None:
    answer = gateway.http.post(f"{P}/datasets", params={"dataset_id": "plain"}, content=FILE)
    assert answer.status_code == 202, answer.text
    assert gateway.blobs.fetch(gateway.peers.last(ImportDatasetRequest).source_blob).read_bytes() == FILE
    content = gateway.http.get(f"{P}/datasets/adult/versions/1/content", params={"format": "original"})
    assert content.content == CSV


def test_a_local_store_gives_no_links_and_says_what_to_do(embedded: Running) -> None:
    blob = embedded.blobs.put_bytes(b"1")
    made = finished(embedded, BatchPrediction(result_blob=blob.key, format="csv", row_count=1))
    for call, word in {
        f"{P}/datasets:uploadLink": "upload",
        f"{P}/datasets/adult/versions/1:downloadLink": "download",
        f"{P}/tasks/{made}:downloadLink": "download",
    }.items():
        problem = embedded.json("POST", call, 400, json=DECLARED if word == "upload" else None)
        assert problem["code"] == "FAILED_PRECONDITION"
        assert f"{word} through the gateway itself" in problem["detail"]


@pytest.mark.parametrize("house", ["gateway", "embedded"])
def test_the_client_uploads_by_a_link_where_there_is_one(
    house: str, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    running: Running = request.getfixturevalue(house)
    path = tmp_path / f"Large {house}.csv"
    path.write_bytes(FILE)
    with Client(running.url, TOKEN) as client, closing(Transport(client.connection)) as transport:
        task = send_file(transport, "/projects/default/datasets", path, f"large-{house}", link_from=1024)
        asked = running.peers.last(ImportDatasetRequest)
        assert task["kind"] == "import"
        assert (asked.dataset_id, asked.file_name) == (f"large-{house}", path.name)
        assert running.blobs.fetch(asked.source_blob).read_bytes() == FILE
        *_, last = [event.unpack(AuditEntry).action for event in running.events.replay(topics.AUDIT)]
        assert last == f"POST {P}/datasets{':import' if house == 'gateway' else ''}"

        if house == "gateway":
            link = client.datasets.download_link("adult", "original")
            assert get(link).content == CSV
        else:
            with pytest.raises(ApiError, match="gives no links"):
                client.datasets.download_link("adult")
