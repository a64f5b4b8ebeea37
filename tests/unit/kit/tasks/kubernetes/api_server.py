"""So much of the Kubernetes API as Jobs need, in memory and over HTTP, to be told what a cluster seldom does."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

from kubernetes import client

Json = dict[str, Any]
JOBS = "/apis/batch/v1/namespaces/here/jobs"
CORE = "/api/v1/namespaces/here"


class ApiServer:
    """What the handler below answers with. `refusal` is the status that each call is refused with, 0 for none."""

    def __init__(self) -> None:
        self.jobs: dict[str, Json] = {}
        self.pods: list[Json] = []
        self.events: list[Json] = []
        self.log = b""
        self.refusal = 0
        self.calls: list[tuple[str, str]] = []
        self.changed = threading.Event()

    def change(self, job: str, **status: Any) -> None:
        """Change how a Job stands, and wake who watches it."""
        self.jobs[job]["status"] = status
        self.changed.set()

    def remove(self, job: str) -> None:
        """Take a Job away, as if its pods were gone."""
        del self.jobs[job]
        self.changed.set()

    @contextmanager
    def serving(self) -> Iterator[client.ApiClient]:
        """A client of this server, which answers meanwhile."""
        server = ThreadingHTTPServer(("127.0.0.1", 0), _handler_of(self))
        server.daemon_threads = True
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield client.ApiClient(client.Configuration(host=f"http://127.0.0.1:{server.server_port}"))
        finally:
            self.changed.set()
            server.shutdown()
            server.server_close()

    def answer(self, method: str, path: str, body: Json, name: str = "") -> tuple[int, Json | bytes]:
        """Return the status and the body of the answer to a call; a name selects one Job of a list."""
        self.calls.append((method, path))
        if self.refusal:
            return self.refusal, {"kind": "Status", "message": f"refused with {self.refusal}"}
        if path.endswith("/log"):
            return 200, self.log
        if path == f"{CORE}/pods":
            return 200, {"items": self.pods}
        if path == f"{CORE}/events":
            return 200, {"items": self.events}
        if path == JOBS:
            return self._of_jobs(method, body, name)
        return self._of_job(method, path.removeprefix(f"{JOBS}/"))

    def _of_jobs(self, method: str, body: Json, wanted: str) -> tuple[int, Json]:
        if method == "GET":
            return 200, {"items": [job for name, job in self.jobs.items() if wanted in ("", name)]}
        name = body["metadata"]["name"]
        if name in self.jobs:
            return 409, {"kind": "Status", "message": "it exists already"}
        made = {"creationTimestamp": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()), "resourceVersion": "1"}
        self.jobs[name] = {**body, "metadata": {**body["metadata"], **made}, "status": {}}
        return 201, self.jobs[name]

    def _of_job(self, method: str, name: str) -> tuple[int, Json]:
        if name not in self.jobs:
            return 404, {"kind": "Status", "message": "not found"}
        if method == "DELETE":
            self.jobs[name]["metadata"]["deletionTimestamp"] = "2026-01-31T17:00:00Z"
        return 200, self.jobs[name]


def _handler_of(api: ApiServer) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            url = urlsplit(self.path)
            query = {name: values[0] for name, values in parse_qs(url.query).items()}
            if "watch" in query and not api.refusal:
                # Until something changes; the client reads again then. It need not be told what.
                api.changed.wait(float(query["timeoutSeconds"]))
                api.changed.clear()
                self._send(200, b"")
            else:
                name = query.get("fieldSelector", "").removeprefix("metadata.name=")
                self._send(*api.answer("GET", url.path, {}, name))

        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            self._send(*api.answer("POST", urlsplit(self.path).path, body))

        def do_DELETE(self) -> None:
            self._send(*api.answer("DELETE", urlsplit(self.path).path, {}))

        def _send(self, status: int, told: Json | bytes) -> None:
            body = told if isinstance(told, bytes) else json.dumps(told).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: Any) -> None:
            return

    return Handler
