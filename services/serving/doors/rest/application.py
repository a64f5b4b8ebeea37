"""What an HTTP connection of this door asks."""

from __future__ import annotations

from collections.abc import Awaitable, Sequence
from typing import Protocol

from .http import Request, Response


class Application(Protocol):
    """What answers requests."""

    @property
    def body_bytes(self) -> int:
        """Return the largest body that it reads."""

    def admit(self, path: str, headers: dict[bytes, bytes]) -> None:
        """Raise FairleadError where the body need not be read."""

    def answer(self, request: Request) -> Response | Awaitable[Response]:
        """Return the response, at once where that takes little time; raises nothing, nor does what is awaited."""

    def answer_all(self, requests: Sequence[Request]) -> list[Response | Awaitable[Response]]:
        """Return the responses to requests of several connections that are here at the same time."""
