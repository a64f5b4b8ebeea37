from __future__ import annotations

from pathlib import Path

import httpx
import pytest

from fairlead import ApiError, Client
from tests.unit.client.stage import API, Answer, Stage, calls, page, problem


def test_each_call_carries_the_token(stage: Stage, client: Client) -> None:
    stage.answer(f"GET {API}/status", {"services": []})

    assert client.status() == {"services": []}
    assert stage.last.headers["authorization"] == "Bearer secret"


def test_a_list_is_read_page_after_page(stage: Stage, client: Client) -> None:
    stage.answer("GET /models", page({"name": "a"}, {"name": "b"}, token="next"), page({"name": "c"}))

    assert [model["name"] for model in client.models.list()] == ["a", "b", "c"]
    assert [asked.query.get("page_token", "") for asked in stage.asked] == ["", "next"]


def test_no_more_pages_are_read_than_are_wanted(stage: Stage, client: Client) -> None:
    stage.answer("GET /runs", page(*({"name": str(n)} for n in range(200)), token="next"))

    assert len(client.runs.list(limit=250)) == 250
    assert [asked.query["page_size"] for asked in stage.asked] == ["200", "50"]


def test_an_error_is_rebuilt_from_the_problem_document(stage: Stage, client: Client) -> None:
    wrong = {"field": "version", "description": "must be a number"}
    stage.answer("GET /runs/r1", problem(400, "INVALID_ARGUMENT", "that is wrong", wrong))

    with pytest.raises(ApiError, match="that is wrong") as raised:
        client.runs.get("r1")

    error = raised.value
    assert (error.status, error.code, error.request_id) == (400, "INVALID_ARGUMENT", "r-1")
    assert error.errors == (wrong,)


@pytest.mark.parametrize("body", [b"<html>Bad Gateway</html>", b"[]", b""])
def test_an_error_that_is_no_problem_document_tells_the_status(stage: Stage, client: Client, body: bytes) -> None:
    stage.answer("GET /runs/r1", Answer(body, 502, "text/html"))

    with pytest.raises(ApiError, match="502 Bad Gateway") as raised:
        client.runs.get("r1")

    assert raised.value.code == "UNKNOWN"


def test_something_else_at_the_address_is_told(stage: Stage, client: Client) -> None:
    stage.answer(f"GET {API}/status", Answer(b"<html>hello</html>", kind="text/html"))

    with pytest.raises(ApiError, match="answered 200 with text/html, not JSON; is that Fairlead's address"):
        client.status()


def test_a_download_is_saved_whole(stage: Stage, client: Client, tmp_path: Path) -> None:
    stage.answer("GET /tasks/t1/result", Answer(b"a,b\n1,2\n", kind="text/csv"))

    assert client.tasks.download_result("t1", tmp_path / "out.csv") == 8
    assert (tmp_path / "out.csv").read_bytes() == b"a,b\n1,2\n"


def test_a_download_that_breaks_off_leaves_nothing(stage: Stage, client: Client, tmp_path: Path) -> None:
    stage.answer("GET /tasks/t1/result", Answer(b"a,b\n1", kind="text/csv", cut=True))

    with pytest.raises(httpx.RemoteProtocolError):
        client.tasks.download_result("t1", tmp_path / "out.csv")

    assert not [*tmp_path.iterdir()]


def test_a_download_that_is_refused_is_an_error(stage: Stage, client: Client, tmp_path: Path) -> None:
    stage.answer("GET /tasks/t1/result", problem(400, "FAILED_PRECONDITION", "it has made no file"))

    with pytest.raises(ApiError, match="no file"):
        client.tasks.download_result("t1", tmp_path / "out.csv")


def test_another_project_is_another_path(stage: Stage) -> None:
    stage.answer(f"GET {API}/projects/churn/models", page())

    with Client(stage.url, "secret", project="churn") as client:
        assert client.models.list() == []
    assert calls(stage.asked) == [f"GET {API}/projects/churn/models"]


def test_a_transport_of_ones_own_is_used() -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        return httpx.Response(200, json={"url": str(request.url)})

    client = Client("http://somewhere", "secret", transport=httpx.MockTransport(answer))

    assert client.status() == {"url": "http://somewhere/api/v1/status"}
