"""A real HTTP server on which a test plays the gateway: it answers as told and remembers what it was asked."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any
from urllib.parse import parse_qsl, urlsplit

API = "/api/v1"
PROJECT = f"{API}/projects/default"


@dataclass(frozen=True)
class Asked:
    """One request as it came."""

    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


@dataclass(frozen=True)
class Answer:
    """What to answer; `cut` breaks the connection off before the announced end of the body."""

    body: bytes = b""
    status: int = 200
    kind: str = "application/json"
    cut: bool = False


@dataclass
class Stage:
    """The server; each answer to a call is given once, the last one again and again."""

    url: str = ""
    asked: list[Asked] = field(default_factory=list)
    _answers: dict[tuple[str, str], list[Answer]] = field(default_factory=dict)

    def answer(self, call: str, *answers: Any) -> None:
        """Answer a call such as "GET /models" (below the project) or "GET /api/v1/status" with Answers or JSON."""
        method, path = call.split(" ")
        path = path if path.startswith(API) else f"{PROJECT}{path}"
        made = [given if isinstance(given, Answer) else as_json(given) for given in answers]
        self._answers[method, path] = made

    def next_answer(self, asked: Asked) -> Answer:
        self.asked.append(asked)
        answers = self._answers.get((asked.method, asked.path))
        if not answers:
            return problem(404, "NOT_FOUND", f"nothing was staged for {asked.method} {asked.path}")
        return answers.pop(0) if len(answers) > 1 else answers[0]

    @property
    def last(self) -> Asked:
        return self.asked[-1]


def as_json(value: Any, status: int = 200) -> Answer:
    return Answer(json.dumps(value).encode(), status)


def page(*items: Any, token: str = "") -> Answer:
    return as_json({"items": [*items], "next_page_token": token})


def problem(status: int, code: str, detail: str, *errors: dict[str, str]) -> Answer:
    document = {"status": status, "code": code, "detail": detail, "request_id": "r-1", "errors": [*errors]}
    return Answer(json.dumps(document).encode(), status, "application/problem+json")


def events(*messages: dict[str, Any], cut: bool = False) -> Answer:
    """Return messages as the gateway streams them, with a sign of life between."""
    parts = ["retry: 1000\n\n"]
    for message in messages:
        parts += [
            f"id: {message['offset']}\nevent: {message['type']}\ndata: {json.dumps(message)}\n\n",
            ": heartbeat\n\n",
        ]
    return Answer("".join(parts).encode(), kind="text/event-stream", cut=cut)


@contextmanager
def open_stage() -> Iterator[Stage]:
    stage = Stage()
    server = ThreadingHTTPServer(("127.0.0.1", 0), _handler_of(stage))
    server.daemon_threads = True
    stage.url = f"http://127.0.0.1:{server.server_port}"
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield stage
    finally:
        server.shutdown()
        server.server_close()


def _handler_of(stage: Stage) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def handle_any(self) -> None:
            parts = urlsplit(self.path)
            headers = {name.lower(): value for name, value in self.headers.items()}
            asked = Asked(self.command, parts.path, dict(parse_qsl(parts.query)), headers, self._body(headers))
            answer = stage.next_answer(asked)
            self.send_response(answer.status)
            self.send_header("Content-Type", answer.kind)
            self.send_header("Content-Length", str(len(answer.body) + answer.cut))
            self.end_headers()
            self.wfile.write(answer.body)
            self.close_connection = answer.cut

        do_GET = do_POST = do_PATCH = do_PUT = do_DELETE = handle_any

        def _body(self, headers: dict[str, str]) -> bytes:
            if headers.get("transfer-encoding") != "chunked":
                return self.rfile.read(int(headers.get("content-length", 0)))
            body = b""
            while size := int(self.rfile.readline(), 16):
                body += self.rfile.read(size)
                self.rfile.readline()
            self.rfile.readline()
            return body

        def log_message(self, *_arguments: Any) -> None:
            return

    return Handler


def calls(asked: Sequence[Asked]) -> list[str]:
    """Return the calls in the words of Stage.answer."""
    return [f"{each.method} {each.path.removeprefix(PROJECT)}" for each in asked]
