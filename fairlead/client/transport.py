"""Calls to the REST API: identity, errors, pages and streams."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx

from fairlead.client.connection import Connection
from fairlead.client.errors import error_of, not_json

Json = dict[str, Any]
Items = list[Json]

CHUNK_BYTES = 1024 * 1024


class Transport:
    """An HTTP connection below /api/v1."""

    def __init__(
        self, connection: Connection, timeout: float = 60.0, transport: httpx.BaseTransport | None = None
    ) -> None:
        self._http = httpx.Client(
            base_url=f"{connection.url}/api/v1",
            headers={"Authorization": f"Bearer {connection.token}"},
            timeout=timeout,
            transport=transport,
        )

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    def call(self, method: str, path: str, **options: Any) -> Json:
        """Return the answer's JSON, {} for none. Raises ApiError."""
        answer = self._http.request(method, path, **_without_none(options))
        if answer.is_error:
            raise error_of(answer)
        if not answer.content:
            return {}
        try:
            return dict(answer.json())
        except (ValueError, TypeError):
            raise not_json(answer) from None

    def items(self, path: str, limit: int | None = None, **params: Any) -> Iterator[Json]:
        """Yield the items of a list, page after page, at most limit. Raises ApiError."""
        token, left = "", limit
        while left is None or left > 0:
            page = self.call("GET", path, params={**params, "page_token": token, "page_size": min(left or 200, 200)})
            items = page["items"] if left is None else page["items"][:left]
            yield from items
            left = None if left is None else left - len(items)
            token = page.get("next_page_token", "")
            if not token:
                return

    def text(self, path: str, **params: Any) -> str:
        """Return the answer's text. Raises ApiError."""
        answer = self._http.get(path, params=_without_none(params))
        if answer.is_error:
            raise error_of(answer)
        return answer.text

    def upload(self, path: str, file: Path, **params: Any) -> Json:
        """Stream a file as the request's body and return the answer's JSON. Raises ApiError, OSError."""
        with file.open("rb") as source:
            return self.call(
                "POST",
                path,
                params=_without_none(params),
                content=iter(lambda: source.read(CHUNK_BYTES), b""),
                headers={"Content-Type": "application/octet-stream"},
            )

    def send_by_link(self, link: Json, file: Path) -> bool:
        """Stream a file to a link and return whether it was taken. Raises OSError, httpx.TransportError."""
        # Not by the client of the API: its token is no business of the object store's.
        with file.open("rb") as source, httpx.Client(timeout=self._http.timeout) as http:
            content = iter(lambda: source.read(CHUNK_BYTES), b"")
            return http.request(link["method"], link["url"], headers=link["headers"], content=content).is_success

    def download(self, path: str, destination: Path, **params: Any) -> int:
        """Stream an answer into a file, whole or not at all, and return its bytes. Raises ApiError, OSError."""
        with self._http.stream("GET", path, params=_without_none(params)) as answer:
            if answer.is_error:
                answer.read()
                raise error_of(answer)
            part = destination.with_name(destination.name + ".part")
            try:
                with part.open("wb") as target:
                    size = sum(target.write(chunk) for chunk in answer.iter_bytes(CHUNK_BYTES))
                part.replace(destination)
            finally:
                # Gone already where all went well.
                part.unlink(missing_ok=True)
        return size

    def events(self, path: str, after: int) -> Iterator[Json]:
        """Yield the messages of a server-sent event stream from after an offset. Raises ApiError, httpx.HTTPError."""
        headers = {"Accept": "text/event-stream", "Last-Event-ID": str(after)}
        timeout = httpx.Timeout(10.0, read=60.0)
        with self._http.stream("GET", path, headers=headers, timeout=timeout) as answer:
            if answer.is_error:
                answer.read()
                raise error_of(answer)
            for line in answer.iter_lines():
                if line.startswith("data:"):
                    yield json.loads(line[len("data:") :])


def _without_none(options: dict[str, Any]) -> dict[str, Any]:
    return {
        key: _without_none(value) if key in {"params", "json"} and isinstance(value, dict) else value
        for key, value in options.items()
        if value is not None
    }
