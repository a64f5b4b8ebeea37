"""A proxy of an S3 server that loses answers: what was asked is done, and nobody hears of it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Lock, Thread

import httpx

ALWAYS = 1_000_000
COMPLETE = re.compile(r"POST .*[?&]uploadId=")
FORGOTTEN = b"<Error><Code>NoSuchUpload</Code><Message>The specified upload does not exist.</Message></Error>"
OF_THE_CONNECTION = {"connection", "transfer-encoding", "content-length"}


@dataclass
class LossyProxy:
    """Where the proxy is, and the calls, each "METHOD path", whose answers it loses: so many of the first ones."""

    url: str = ""
    lost: list[str] = field(default_factory=list)
    before_losing: Callable[[], object] = bool
    """Called once a call whose answer is lost was done."""
    forgets_uploads: bool = False
    """Whether an upload that was completed is unknown from then on, as with most servers; versitygw remembers it."""
    _completed: set[str] = field(default_factory=set)
    _losing: re.Pattern[str] = re.compile("(?!)")
    _left: int = 0
    _lock: Lock = field(default_factory=Lock)

    def lose(self, calls: str, times: int = 1) -> None:
        """Lose the answers to the next calls that this pattern is found in."""
        with self._lock:
            self._losing, self._left = re.compile(calls), times

    def loses(self, call: str) -> bool:
        """Return whether the answer to this call is to be lost."""
        with self._lock:
            if not self._left or not self._losing.search(call):
                return False
            self._left -= 1
            self.lost.append(call)
            return True

    def is_forgotten(self, call: str) -> bool:
        """Return whether this call completes an upload that is forgotten by now."""
        if not self.forgets_uploads or not COMPLETE.search(call):
            return False
        with self._lock:
            known = call in self._completed
            self._completed.add(call)
        return known


@contextmanager
def lossy_proxy(server: str) -> Iterator[LossyProxy]:
    """Run a proxy of the server; it loses nothing until it is told to."""
    proxy = LossyProxy()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"  # boto3 waits for 100 Continue

        def forward(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            call = f"{self.command} {self.path}"
            self.close_connection = True
            if proxy.is_forgotten(call):
                self.reply(404, {"Content-Type": "application/xml"}, FORGOTTEN, len(FORGOTTEN))
                return
            sent = {name: value for name, value in self.headers.items() if name.lower() != "expect"}
            # Path and Host are as they were signed.
            answer = httpx.request(self.command, f"{server}{self.path}", headers=sent, content=body, timeout=30)
            if proxy.loses(call):
                proxy.before_losing()
                return
            kept = {name: value for name, value in answer.headers.items() if name.lower() not in OF_THE_CONNECTION}
            size = answer.headers.get("Content-Length", 0) if self.command == "HEAD" else len(answer.content)
            self.reply(answer.status_code, kept, answer.content, int(size))

        def reply(self, status: int, headers: dict[str, str], body: bytes, size: int) -> None:
            self.send_response(status)
            for name, value in {**headers, "Content-Length": str(size), "Connection": "close"}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

        do_GET = do_PUT = do_HEAD = do_POST = do_DELETE = forward

        def log_message(self, *_: object) -> None:
            return

    listener = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    Thread(target=listener.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
    proxy.url = f"http://127.0.0.1:{listener.server_port}"
    yield proxy
    listener.shutdown()
    listener.server_close()
