"""A large file goes by a link, and by the gateway wherever that does not work."""

from __future__ import annotations

import hashlib
import socket
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from fairlead import ApiError, Client
from fairlead.client.transport import Transport
from fairlead.client.uploads import send_bare_file, send_file
from tests.unit.client.messages import task
from tests.unit.client.stage import API, Stage, problem

DATASETS = "/projects/default/datasets"
CONTENT = b"a,b\n" + b"1,2\n" * 300_000


@pytest.fixture
def transport(client: Client) -> Iterator[Transport]:
    with closing(Transport(client.connection)) as transport:
        yield transport


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "a.csv"
    path.write_bytes(CONTENT)
    return path


def link_to(url: str) -> dict[str, object]:
    headers = {"Content-Length": str(len(CONTENT)), "x-amz-checksum-sha256": "abc="}
    return {"url": f"{url}{API}/s3/key?X-Amz-Signature=1", "method": "PUT", "headers": headers, "expire_time": ""}


def calls_of(stage: Stage) -> list[str]:
    return [f"{asked.method} {asked.path.removeprefix(API)}" for asked in stage.asked]


def test_a_large_file_goes_by_a_link(stage: Stage, transport: Transport, file: Path) -> None:
    stage.answer("POST /datasets:uploadLink", link_to(stage.url))
    stage.answer(f"PUT {API}/s3/key", {})
    stage.answer("POST /datasets:import", task("pending"))

    made = send_file(transport, DATASETS, file, "mine", "first", link_from=len(CONTENT) - 1)

    asked, put, told = stage.asked
    declared = {"size": len(CONTENT), "sha256": hashlib.sha256(CONTENT).hexdigest()}
    assert made["state"] == "pending"
    assert asked.json == declared
    assert (put.body, put.query) == (CONTENT, {"X-Amz-Signature": "1"})
    assert put.headers["x-amz-checksum-sha256"] == "abc="
    assert put.headers["content-length"] == str(len(CONTENT))
    assert "authorization" not in put.headers, "the token is for the gateway alone"
    assert told.json == {"dataset_id": "mine", "file_name": "a.csv", "sheet": "first", **declared}


def test_a_small_file_goes_to_the_gateway_at_once(stage: Stage, transport: Transport, file: Path) -> None:
    stage.answer("POST /datasets", task("pending"))
    send_file(transport, DATASETS, file, "mine")
    assert calls_of(stage) == [f"POST {DATASETS}"]


@pytest.mark.parametrize(
    "refusal",
    [problem(400, "FAILED_PRECONDITION", "no links"), problem(404, "NOT_FOUND", "?"), problem(405, "UNKNOWN", "?")],
)
def test_a_gateway_without_links_takes_the_file(
    stage: Stage, transport: Transport, file: Path, refusal: object
) -> None:
    stage.answer("POST /datasets:uploadLink", refusal)
    stage.answer("POST /datasets", task("pending"))
    send_file(transport, DATASETS, file, "mine", link_from=0)
    assert calls_of(stage) == [f"POST {DATASETS}:uploadLink", f"POST {DATASETS}"]
    assert stage.last.body == CONTENT


def test_a_store_that_cannot_be_reached_from_here_is_done_without(
    stage: Stage, transport: Transport, file: Path
) -> None:
    with socket.socket() as reserved:
        reserved.bind(("127.0.0.1", 0))  # and does not listen
        stage.answer("POST /datasets:uploadLink", link_to(f"http://127.0.0.1:{reserved.getsockname()[1]}"))
        stage.answer("POST /datasets", task("pending"))
        send_file(transport, DATASETS, file, "mine", link_from=0)
    assert calls_of(stage) == [f"POST {DATASETS}:uploadLink", f"POST {DATASETS}"]


def test_a_store_that_refuses_is_done_without(stage: Stage, transport: Transport, file: Path) -> None:
    stage.answer("POST /datasets:uploadLink", link_to(stage.url))
    stage.answer(f"PUT {API}/s3/key", problem(403, "UNKNOWN", "SignatureDoesNotMatch"))
    stage.answer("POST /datasets", task("pending"))
    send_file(transport, DATASETS, file, "mine", link_from=0)
    assert calls_of(stage)[-1] == f"POST {DATASETS}"


def test_other_errors_are_told(stage: Stage, transport: Transport, file: Path) -> None:
    stage.answer("POST /datasets:uploadLink", problem(401, "UNAUTHENTICATED", "no token"))
    with pytest.raises(ApiError, match="no token"):
        send_file(transport, DATASETS, file, "mine", link_from=0)


def test_a_file_that_becomes_no_dataset_goes_by_a_link_too(stage: Stage, transport: Transport, file: Path) -> None:
    stage.answer("POST /datasets:uploadLink", link_to(stage.url))
    stage.answer(f"PUT {API}/s3/key", {})
    sha256 = hashlib.sha256(CONTENT).hexdigest()

    assert send_bare_file(transport, DATASETS, "/projects/default/files", file, link_from=0) == sha256
    assert [asked.method for asked in stage.asked] == ["POST", "PUT"]

    stage.answer("POST /files", {"sha256": sha256, "size": len(CONTENT)})
    assert send_bare_file(transport, DATASETS, "/projects/default/files", file) == sha256
    assert stage.last.body == CONTENT


def test_links_to_download(stage: Stage, client: Client) -> None:
    stage.answer("POST /datasets/adult/versions/latest:downloadLink", {"url": "u"})
    stage.answer("POST /tasks/t1:downloadLink", {"url": "v"})
    assert client.datasets.download_link("adult") == {"url": "u"}
    assert stage.last.query == {"format": "original"}
    assert client.datasets.download_link("adult", "parquet", 60) == {"url": "u"}
    assert stage.last.query == {"format": "parquet", "seconds": "60"}
    assert client.tasks.download_link("t1", 60) == {"url": "v"}
    assert stage.last.query == {"seconds": "60"}
