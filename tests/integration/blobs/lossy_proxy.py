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


@dataclass
class LossyProxy:
    """Where the proxy is, and the calls, each "METHOD path", whose answers it loses: so many of the first ones."""

    url: str = ""
    lost: list[str] = field(default_factory=list)
    before_losing: Callable[[], object] = bool
    """Called once a call whose answer is lost was done."""
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


@contextmanager
def lossy_proxy(server: str) -> Iterator[LossyProxy]:
    """Run a proxy of the server; it loses nothing until it is told to."""
    proxy = LossyProxy()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"  # boto3 waits for 100 Continue

        def forward(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            sent = {name: value for name, value in self.headers.items() if name.lower() != "expect"}
            # Path and Host are as they were signed.
            answer = httpx.request(self.command, f"{server}{self.path}", headers=sent, content=body, timeout=30)
            self.close_connection = True
            if proxy.loses(f"{self.command} {self.path}"):
                proxy.before_losing()
                return
            self.send_response(answer.status_code)
            for name, value in answer.headers.items():
                if name.lower() not in {"connection", "transfer-encoding", "content-length"}:
                    self.send_header(name, value)
            length = answer.headers.get("Content-Length", "0") if self.command == "HEAD" else str(len(answer.content))
            self.send_header("Content-Length", length)
            self.send_header("Connection", "close")
            self.end_headers()
            self.wfile.write(answer.content)

        do_GET = do_PUT = do_HEAD = do_POST = do_DELETE = forward

        def log_message(self, *_: object) -> None:
            return

    listener = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    Thread(target=listener.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
    proxy.url = f"http://127.0.0.1:{listener.server_port}"
    yield proxy
    listener.shutdown()
    listener.server_close()
