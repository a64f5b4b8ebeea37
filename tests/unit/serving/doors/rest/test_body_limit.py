import asyncio
from collections.abc import Iterator, MutableMapping
from typing import Any

import pytest

from services.serving.doors.rest.body_limit import BodyLimit
from services.serving.doors.rest.http import Receive, Scope, Send

Message = MutableMapping[str, Any]


def answer(chunks: list[bytes], headers: list[tuple[bytes, bytes]] | None = None) -> tuple[list[Message], list[bytes]]:
    """What is sent for a request of these chunks, and the bodies that the application behind the limit got."""
    sent: list[Message] = []
    got: list[bytes] = []
    incoming: Iterator[Message] = iter(
        [{"type": "http.request", "body": chunk, "more_body": True} for chunk in chunks] + [{"type": "http.request"}]
    )

    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        got.append((await receive())["body"])

    async def receive() -> Message:
        return next(incoming)

    async def send(message: Message) -> None:
        sent.append(message)

    asyncio.run(BodyLimit(application, body_bytes=10)({"type": "http", "headers": headers or []}, receive, send))
    return sent, got


def test_a_body_within_the_limit_arrives_whole() -> None:
    assert answer([b"12345", b"67890"]) == ([], [b"1234567890"])


@pytest.mark.parametrize(
    ("chunks", "headers"),
    [([b"123456", b"78901"], []), ([], [(b"content-length", b"11")])],
    ids=["chunked", "declared"],
)
def test_a_body_above_the_limit_is_413(chunks: list[bytes], headers: list[tuple[bytes, bytes]]) -> None:
    sent, got = answer(chunks, headers)
    assert (sent[0]["status"], got) == (413, [])
