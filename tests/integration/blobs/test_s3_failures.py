"""An S3 that is away or refuses is told as what it is, with what to do."""

from __future__ import annotations

import random
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import httpx
import pytest

from fairlead.kit.blobs import BlobStore, S3Options, open_blob_store
from fairlead.kit.blobs.s3.options import MIB
from fairlead.kit.errors import (
    FailedPrecondition,
    FairleadError,
    InvalidArgument,
    PermissionDenied,
    ResourceExhausted,
    Unavailable,
)
from tests.integration.blobs.stores import ABSENT, CONTENT, S3Place

ACTIONS: dict[str, Callable[[BlobStore], object]] = {
    "put": lambda store: store.put_bytes(CONTENT),
    "fetch": lambda store: store.fetch(ABSENT),
    "fetch_folder": lambda store: store.fetch_folder("models/m1"),
    "delete": lambda store: store.delete("models/m1"),
    "keys": lambda store: list(store.keys()),
    "exists": lambda store: store.exists(ABSENT),
}


@contextmanager
def answering(status: int, code: str) -> Iterator[str]:
    """Yield the URL of a server that answers everything with one error of S3."""

    class Handler(BaseHTTPRequestHandler):
        def answer(self) -> None:
            body = f"<Error><Code>{code}</Code><Message>as told</Message></Error>".encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(body)

        do_GET = do_PUT = do_HEAD = do_POST = do_DELETE = answer

        def log_message(self, *_: object) -> None:
            return

    with serving(Handler) as url:
        yield url


@contextmanager
def serving(handler: type[BaseHTTPRequestHandler]) -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


@pytest.mark.parametrize("action", ACTIONS)
def test_a_server_that_is_away_is_unavailable(action: str, tmp_path: Path, s3_place: S3Place) -> None:
    with socket.socket() as reserved:
        reserved.bind(("127.0.0.1", 0))  # and does not listen
        options = S3Options(endpoint_url=f"http://127.0.0.1:{reserved.getsockname()[1]}")
        store = open_blob_store("s3://bucket", tmp_path, s3=options)
        with pytest.raises(Unavailable, match="S3 can't be reached") as caught:
            ACTIONS[action](store)
    assert caught.value.retry_after


def test_a_bucket_that_is_not_there_is_told_at_opening(s3_place: S3Place, tmp_path: Path) -> None:
    with pytest.raises(FailedPrecondition, match="The bucket 'none-such' is not there; make it"):
        open_blob_store("s3://none-such/blobs", tmp_path, s3=s3_place.options)


@pytest.mark.parametrize("wrong", [("AWS_ACCESS_KEY_ID", "nobody"), ("AWS_SECRET_ACCESS_KEY", "guessed")])
def test_wrong_keys_are_told_at_opening(
    s3_place: S3Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, wrong: tuple[str, str]
) -> None:
    monkeypatch.setenv(*wrong)
    with pytest.raises(FailedPrecondition, match=r"does not accept the keys.*set AWS_ACCESS_KEY_ID"):
        s3_place.open()


def test_no_keys_are_told_at_opening(s3_place: S3Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name)
    for name, value in {
        "AWS_SHARED_CREDENTIALS_FILE": str(tmp_path / "none"),
        "AWS_CONFIG_FILE": str(tmp_path / "none"),
        "AWS_EC2_METADATA_DISABLED": "true",
    }.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(FailedPrecondition, match=r"There are no keys for s3://.*set AWS_ACCESS_KEY_ID"):
        s3_place.open()


# The answer to a HEAD has no body, and so no code.
@pytest.mark.parametrize("action", sorted(set(ACTIONS) - {"exists"}))
@pytest.mark.parametrize(
    ("status", "code", "error"),
    [
        (403, "AccessDenied", PermissionDenied),
        (400, "IllegalLocationConstraintException", FailedPrecondition),
        (400, "KMS.NotFoundException", FailedPrecondition),
        (503, "SlowDown", Unavailable),
        (500, "InternalError", Unavailable),
        (507, "XMinioStorageFull", ResourceExhausted),
    ],
)
def test_refusals_are_told_as_what_they_are(
    status: int, code: str, error: type[FairleadError], action: str, s3_place: S3Place, tmp_path: Path
) -> None:
    with answering(status, code) as url, pytest.raises(error):
        ACTIONS[action](open_blob_store("s3://bucket/blobs", tmp_path, s3=S3Options(endpoint_url=url)))


BAD_URLS = [
    "s3://", "s3:///prefix", "s3://Bucket", "s3://bucket/../other", "s3://bucket/a//b", "s3://bucket/a?b",
    "s3://user@bucket/a", "s3://b", "s3://bucket/%2e%2e",
]  # fmt: skip


@pytest.mark.parametrize("url", BAD_URLS)
def test_a_url_that_names_no_place_is_refused(url: str, tmp_path: Path) -> None:
    with pytest.raises(InvalidArgument, match="write s3://bucket"):
        open_blob_store(url, tmp_path)


def test_an_endpoint_that_is_no_url_is_refused(s3_place: S3Place) -> None:
    with pytest.raises(InvalidArgument, match="FAIRLEAD_S3_ENDPOINT_URL"):
        s3_place.open(endpoint_url="not a url")


@contextmanager
def breaking_off(server: str, times: int) -> Iterator[str]:
    """Yield the URL of a proxy of an S3 server that breaks the first `times` answers to GET off in their middle."""
    left = [times]

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            # Path and Host are as they were signed.
            answer = httpx.get(f"{server}{self.path}", headers=dict(self.headers.items()))
            body = answer.content
            self.send_response(answer.status_code)
            for name, value in answer.headers.items():
                self.send_header(name, value)
            self.end_headers()
            if len(body) > MIB and left[0]:
                left[0] -= 1
                body = body[: len(body) // 2]
            self.wfile.write(body)
            self.close_connection = True

        def log_message(self, *_: object) -> None:
            return

    with serving(Handler) as url:
        yield url


@pytest.mark.parametrize(("times", "told"), [(2, None), (1000, Unavailable)])
def test_a_download_that_breaks_off_is_taken_up_again_some_times(
    s3_place: S3Place, tmp_path: Path, times: int, told: type[Unavailable] | None
) -> None:
    data = random.Random(1).randbytes(12 * MIB)
    key = s3_place.open().put_bytes(data).key
    with breaking_off(s3_place.server.endpoint, times) as url:
        store = s3_place.open(endpoint_url=url, cache=tmp_path / "cache")
        if told is None:
            assert store.fetch(key).read_bytes() == data
        else:
            with pytest.raises(told):
                store.fetch(key)
            assert not [path for path in (tmp_path / "cache").rglob("*") if path.parent.name in {"drafts", "blobs"}]
