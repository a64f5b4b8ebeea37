"""The gateway over real sockets, before servicers of the contracts that stand in for the other services."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from fairlead.api.events.v1.events_pb2 import AuditEntry
from fairlead.api.gateway.v1.project_service_pb2 import CreateProjectRequest, GetProjectRequest, ListProjectsRequest
from fairlead.api.gateway.v1.project_service_pb2_grpc import ProjectServiceStub
from fairlead.api.profiler.v1.dataset_service_pb2 import ImportDatasetRequest
from fairlead.api.profiler.v1.profile_service_pb2 import CreateProfileRequest
from fairlead.api.trainer.v1.preparation_service_pb2 import CreatePreparationRequest
from fairlead.kit.errors import AlreadyExists, FieldViolation, InvalidArgument, Unavailable
from fairlead.kit.events import topics
from fairlead.kit.rpc.channel import connect as grpc_connect
from tests.data import ROOT
from tests.ports import free_port
from tests.unit.gateway.peers import CSV, VERSION
from tests.unit.gateway.running import TOKEN, Running, running_gateway

BEARER = {"Authorization": f"Bearer {TOKEN}"}
P = "/api/v1/projects/default"


@pytest.fixture(scope="module")
def gateway(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with running_gateway(
        tmp_path_factory.mktemp("gateway"), gateway_upload_limit_bytes=3_000_000, gateway_body_limit_bytes=200_000
    ) as running:
        yield running


# Who may call


@pytest.mark.parametrize(
    "path", ["/api/v1/me", "/metrics", "/docs", "/openapi.json", "/v2", "/nowhere", f"{P}/tasks/t/events"]
)
def test_nothing_but_health_answers_without_a_token(gateway: Running, path: str) -> None:
    answer = httpx.get(gateway.url + path)

    assert answer.status_code == 401
    assert answer.headers["www-authenticate"] == "Bearer"
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["request_id"] == answer.headers["x-request-id"]


def test_health_is_open(gateway: Running) -> None:
    assert httpx.get(f"{gateway.url}/healthz").json() == {"status": "ok"}
    assert httpx.get(f"{gateway.url}/readyz").json() == {"status": "ready"}


def test_a_token_in_the_address_opens_streams_and_docs_only(gateway: Running) -> None:
    assert httpx.get(f"{gateway.url}/openapi.json?access_token={TOKEN}", timeout=60).status_code == 200
    assert httpx.get(f"{gateway.url}/api/v1/me?access_token={TOKEN}", timeout=60).status_code == 401


def test_a_browser_signs_in_once_and_may_change_things_from_this_servers_pages_only(gateway: Running) -> None:
    with httpx.Client(base_url=gateway.url) as browser:
        answer = browser.get("/login", params={"token": TOKEN})
        cookie = answer.headers["set-cookie"]
        assert answer.headers["location"] == "/docs"
        assert "HttpOnly" in cookie
        assert "samesite=strict" in cookie.lower()
        assert "Fairlead API" in browser.get("/docs").text
        body = {"project_id": "from-a-browser"}
        assert browser.post("/api/v1/projects", json=body).status_code == 403
        evil = {"Origin": "http://evil.example"}
        assert browser.post("/api/v1/projects", json=body, headers=evil).status_code == 403
        assert browser.post("/api/v1/projects", json=body, headers={"Origin": gateway.url}).status_code == 201
        assert httpx.get(f"{gateway.url}/login?token=wrong").status_code == 401


def test_the_cookie_holds_a_session_that_is_no_token(gateway: Running) -> None:
    with httpx.Client(base_url=gateway.url) as browser:
        browser.get("/login", params={"token": TOKEN})
        value = browser.cookies["fairlead_session"]
        assert browser.get("/api/v1/me").json() == {"name": "admin", "kind": "user"}

    assert TOKEN not in value
    assert httpx.get(f"{gateway.url}/api/v1/me", headers={"Authorization": f"Bearer {value}"}).status_code == 401
    assert httpx.get(f"{gateway.url}/login", params={"token": value}).status_code == 401
    for other in ("unknown", TOKEN):
        cookie = {"Cookie": f"fairlead_session={other}"}
        assert httpx.get(f"{gateway.url}/api/v1/me", headers=cookie).status_code == 401


def test_a_token_in_the_address_of_the_docs_is_exchanged_for_a_session(gateway: Running) -> None:
    with httpx.Client(base_url=gateway.url) as browser:
        answer = browser.get("/docs", params={"access_token": TOKEN})

        assert answer.status_code == 303
        assert TOKEN not in answer.headers["set-cookie"]
        assert browser.get("/docs").status_code == 200


def test_who_calls_is_told(gateway: Running) -> None:
    assert gateway.json("GET", "/api/v1/me") == {"name": "admin", "kind": "user"}


# Failures


def test_failures_of_services_are_problem_documents(gateway: Running) -> None:
    gateway.peers.fail = InvalidArgument("no such family", violations=[FieldViolation("families", "unknown: 'x'")])
    told = gateway.json("POST", f"{P}/runs", 400, json={"preparation": "p-1", "families": ["x"]})

    assert (told["title"], told["status"], told["code"]) == ("Invalid argument", 400, "INVALID_ARGUMENT")
    assert told["detail"] == "no such family"
    assert told["errors"] == [{"field": "families", "description": "unknown: 'x'"}]
    assert told["instance"] == f"{P}/runs"


def test_a_defect_of_a_service_shows_nothing_of_itself(gateway: Running) -> None:
    gateway.peers.fail = RuntimeError("secret of the service")

    assert "secret" not in json.dumps(gateway.json("GET", f"{P}/runs", 500))


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [
        ("GET", "/nowhere", 404, "NOT_FOUND"),
        ("DELETE", "/api/v1/projects", 405, "UNIMPLEMENTED"),
        ("GET", "/api/v1/projects/nope/runs", 404, "NOT_FOUND"),
        ("GET", f"{P}/tasks/nope", 404, "NOT_FOUND"),
        ("GET", f"{P}/runs?page_size=-1", 400, "INVALID_ARGUMENT"),
        ("GET", f"{P}/datasets/nope/versions/1", 404, "NOT_FOUND"),
    ],
)
def test_what_http_refuses_is_a_problem_document_too(
    gateway: Running, method: str, path: str, status: int, code: str
) -> None:
    told = gateway.json(method, path, status)

    assert (told["status"], told["code"]) == (status, code)
    assert told["request_id"]


def test_a_misspelt_member_is_named(gateway: Running) -> None:
    told = gateway.json("POST", f"{P}/runs", 400, json={"preparation": "p-1", "familes": []})

    assert {"field": "familes", "description": "Extra inputs are not permitted"} in told["errors"]


def test_a_service_says_when_to_try_again(gateway: Running) -> None:
    gateway.peers.fail = Unavailable("the registry is starting", retry_after=3)
    answer = gateway.http.get(f"{P}/models")

    assert (answer.status_code, answer.headers["retry-after"]) == (503, "3")
    assert answer.json()["detail"] == "the registry is starting"


def test_a_callers_time_is_passed_on_and_bounded(gateway: Running) -> None:
    gateway.json("GET", f"{P}/runs", headers={"X-Request-Timeout": "2.5"})
    assert 0 < gateway.peers.seconds_left[-1] < 3
    told = gateway.json("GET", f"{P}/runs", 400, headers={"X-Request-Timeout": "-1"})
    assert told["errors"][0]["field"] == "X-Request-Timeout"


def test_a_request_id_is_kept_and_a_bad_one_replaced(gateway: Running) -> None:
    assert gateway.http.get("/healthz", headers={"X-Request-Id": "mine-1"}).headers["x-request-id"] == "mine-1"
    assert gateway.http.get("/healthz", headers={"X-Request-Id": "a b"}).headers["x-request-id"] != "a b"


def test_a_change_is_audited_before_its_caller_hears_of_it(gateway: Running) -> None:
    gateway.json("POST", "/api/v1/projects", 201, json={"project_id": "audited"}, headers={"X-Request-Id": "audit-1"})
    gateway.http.delete(f"{P}/datasets/adult")
    entries = [event.unpack(AuditEntry) for event in gateway.events.replay(topics.AUDIT)]

    assert ("admin", "POST /api/v1/projects", 201) in [(e.principal, e.action, e.status) for e in entries]
    assert entries[-1].action == f"DELETE {P}/datasets/adult"
    assert entries[-1].project == "projects/default"
    assert "audit-1" in [entry.request_id for entry in entries]


# Datasets


def big_csv() -> bytes:
    return b"age,workclass\n" + b"39,State-gov\n" * 200_000


def test_a_file_is_streamed_to_the_blobs_and_imported(gateway: Running) -> None:
    def chunks() -> Iterator[bytes]:
        yield from (big_csv()[start : start + 65536] for start in range(0, len(big_csv()), 65536))

    params = {"dataset_id": "adult", "file_name": "adult.csv", "sheet": "S"}
    headers = {"Content-Type": "application/octet-stream", "Idempotency-Key": "upload-1"}
    answer = gateway.http.post(f"{P}/datasets", params=params, content=chunks(), headers=headers)
    again = gateway.http.post(f"{P}/datasets", params=params, content=big_csv(), headers=headers)

    asked = gateway.peers.last(ImportDatasetRequest)
    assert answer.status_code == 202
    assert answer.json()["kind"] == "import"
    assert answer.headers["location"] == f"/api/v1/{answer.json()['name']}"
    assert gateway.blobs.fetch(asked.source_blob).read_bytes() == big_csv()
    assert (asked.parent, asked.dataset_id, asked.sheet) == ("projects/default", "adult", "S")
    assert again.json()["name"] == answer.json()["name"]


def test_a_form_is_streamed_too(gateway: Running) -> None:
    answer = gateway.http.post(
        f"{P}/datasets", data={"dataset_id": "formed"}, files={"file": ("my file.csv", big_csv(), "text/csv")}
    )

    asked = gateway.peers.last(ImportDatasetRequest)
    assert answer.status_code == 202, answer.text
    assert (asked.dataset_id, asked.file_name) == ("formed", "my file.csv")
    assert gateway.blobs.fetch(asked.source_blob).read_bytes() == big_csv()


def test_an_upload_over_the_limit_is_refused_with_what_to_do(gateway: Running) -> None:
    def chunks() -> Iterator[bytes]:
        for _ in range(80):
            yield b"x" * 65536

    params = {"dataset_id": "adult"}
    told = gateway.http.post(f"{P}/datasets", params=params, content=b"x" * 3_000_001)
    untold = gateway.http.post(f"{P}/datasets", params=params, content=chunks())

    assert told.status_code == untold.status_code == 413
    assert "FAIRLEAD_GATEWAY_UPLOAD_LIMIT_BYTES" in told.json()["detail"]


@pytest.mark.parametrize(("params", "body"), [({}, b"x"), ({"dataset_id": "Bad Id"}, b"x"), ({"dataset_id": "a"}, b"")])
def test_an_upload_that_can_not_become_a_dataset_is_refused(
    gateway: Running, params: dict[str, str], body: bytes
) -> None:
    gateway.json("POST", f"{P}/datasets", 400, params=params, content=body)


def test_a_body_over_the_limit_is_refused(gateway: Running) -> None:
    told = gateway.json("POST", f"{P}/runs", 413, json={"preparation": "x" * 200_000})

    assert told["title"] == "Content too large"


def test_datasets_versions_and_rows_are_shown(gateway: Running) -> None:
    page = gateway.json("GET", f"{P}/datasets")
    assert (page["items"][0]["name"], page["next_page_token"]) == ("projects/default/datasets/adult", "more")
    assert gateway.http.get(f"{P}/datasets/adult").headers["etag"] == '"d1"'
    assert gateway.json("GET", f"{P}/datasets/adult/versions")["items"][0]["name"] == VERSION
    assert gateway.json("GET", f"{P}/datasets/adult/versions/latest")["name"] == VERSION
    first = gateway.json("GET", f"{P}/datasets/adult/versions/1/rows", params={"page_size": 2})
    assert first["items"] == [{"age": 39, "workclass": "State-gov"}, {"age": 50, "workclass": None}]
    rest = gateway.json("GET", f"{P}/datasets/adult/versions/1/rows", params={"page_token": first["next_page_token"]})
    assert rest == {"items": [{"age": None, "workclass": "Private"}], "next_page_token": ""}


def test_a_versions_files_can_be_downloaded(gateway: Running) -> None:
    path = f"{P}/datasets/adult/versions/1/content"
    parquet = gateway.http.get(path)
    original = gateway.http.get(path, params={"format": "original"}, headers={"Range": "bytes=0-2"})

    assert parquet.content.startswith(b"PAR1")
    assert 'filename="adult-1.parquet"' in parquet.headers["content-disposition"]
    assert (original.status_code, original.content) == (206, CSV[:3])


@pytest.mark.parametrize(
    ("body", "column", "condition"),
    [
        (None, "", ""),
        ({}, "", ""),
        ({"target": "income"}, "income", ""),
        ({"target": {"column": "num", "condition": "> 0"}}, "num", "> 0"),
    ],
)
def test_a_profile_is_asked_for_with_the_target_or_without(
    gateway: Running, body: Any, column: str, condition: str
) -> None:
    gateway.json("POST", f"{P}/datasets/adult/versions/latest:profile", 202, json=body)

    asked = gateway.peers.last(CreateProfileRequest)
    assert (asked.target.column, asked.target.condition) == (column, condition)
    assert asked.HasField("target") == bool(column)


def test_a_profile_and_its_suggestions_are_shown(gateway: Running) -> None:
    path = f"{P}/datasets/adult/versions/1"
    suggested = gateway.json("GET", f"{path}/suggestions")["preparation_suggestions"]

    assert gateway.json("GET", f"{path}/profile")["row_count"] == 3
    assert (suggested[0]["id"], suggested[0]["params"]) == ("impute-age", {"k": 5})
    gateway.json("POST", f"{P}/preparations", 202, json={"dataset_version": "adult/versions/1", "steps": suggested})
    asked = gateway.peers.last(CreatePreparationRequest)
    assert (asked.dataset_version, asked.steps[0].params["k"]) == (VERSION, 5)


# The process


def start(home: Path, base_port: int) -> subprocess.Popen[str]:
    environment = {
        **os.environ,
        "FAIRLEAD_HOME": str(home),
        "FAIRLEAD_BASE_PORT": str(base_port),
        "FAIRLEAD_SERVICE_TOKEN": "service",
        "FAIRLEAD_ADMIN_TOKEN_SHA256": hashlib.sha256(TOKEN.encode()).hexdigest(),
    }
    command = [sys.executable, "-m", "services.gateway"]
    return subprocess.Popen(command, env=environment, cwd=ROOT, stderr=subprocess.PIPE, text=True)


def until_ready(url: str, process: subprocess.Popen[str]) -> None:
    while process.poll() is None:
        with contextlib.suppress(httpx.ConnectError):
            if httpx.get(f"{url}/readyz").status_code == 200:
                return
        time.sleep(0.05)
    raise AssertionError(process.stderr.read() if process.stderr else "")


def test_the_process_serves_rest_and_grpc_and_drains_when_asked_to_stop(tmp_path: Path) -> None:
    base_port = free_port(1, 101)
    url = f"http://127.0.0.1:{base_port}"
    process = start(tmp_path, base_port)
    try:
        until_ready(url, process)
        made = httpx.post(f"{url}/api/v1/projects", json={"project_id": "churn"}, headers=BEARER)
        second = start(tmp_path, base_port)
        refused = second.communicate(timeout=60)[1]
        with grpc_connect(f"127.0.0.1:{base_port + 1}", token="service") as channel:
            found = ProjectServiceStub(channel).ListProjects(ListProjectsRequest())
            with pytest.raises(AlreadyExists):
                ProjectServiceStub(channel).CreateProject(CreateProjectRequest(project_id="churn"))
            one = ProjectServiceStub(channel).GetProject(GetProjectRequest(name="projects/churn"))
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=30)
    finally:
        process.kill()

    assert made.status_code == 201
    assert [project.name for project in found.projects] == ["projects/churn", "projects/default"]
    assert one.project.display_name == "churn"
    assert process.returncode == 0
    assert second.returncode == 1
    assert f"port {base_port} on 127.0.0.1 can't be used" in refused
    assert "Traceback" not in refused


def test_a_stop_before_the_process_serves_is_not_lost(tmp_path: Path) -> None:
    base_port = free_port(1, 101)
    process = start(tmp_path, base_port)
    try:
        # gRPC is served first, so the signal comes while REST starts or soon after.
        while process.poll() is None:
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", base_port + 1)):
                break
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=60)
    finally:
        process.kill()

    assert process.returncode == 0


def test_a_service_that_is_away_is_named(tmp_path: Path) -> None:
    with running_gateway(tmp_path) as gateway:
        gateway.peers.close()
        told = gateway.json("GET", f"{P}/models", 503)
        predicted = gateway.json("POST", f"{P}/deployments/income:predict", 503, json={"rows": [{"age": 1}]})
        unknown = gateway.json("GET", f"{P}/tasks/t-1", 503)
        status = gateway.json("GET", "/api/v1/status")

    assert told["detail"] == "the service 'trainer' can't be reached now; try again in a few seconds"
    assert "the service 'serving' can't be reached now" in predicted["detail"]
    assert "can't be asked now" in unknown["detail"]
    assert not status["ready"]
