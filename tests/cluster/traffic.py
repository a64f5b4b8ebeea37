"""Predictions through the gateway while something happens to its pods or serving's."""

from __future__ import annotations

import itertools
import json
import threading
import time
from collections.abc import Sequence
from types import TracebackType
from typing import Any, Self

import httpx

CALL_SECONDS = 30.0
PAUSE_SECONDS = 2.0
"""How long a caller waits before its retry: a node needs a second or two to see that a pod's process is gone, and sends
new connections there until then."""


class Traffic:
    """Callers that predict the same rows again and again until the block ends, each on a connection that it keeps.

    They ask one path after the other. A call that fails is made once more on another connection, as clients do.
    """

    def __init__(
        self,
        url: str,
        token: str,
        paths: Sequence[str],
        rows: Sequence[dict[str, Any]],
        *,
        callers: int = 4,
        pause: float = 0.02,
    ) -> None:
        self.answered = 0
        self.first_failures: list[str] = []
        """How calls ended that failed at first, with the second of the block."""
        self.failures: list[str] = []
        """How calls ended that failed again."""
        self._url = url
        self._headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
        self._paths = itertools.cycle(paths)
        self._body = json.dumps({"rows": [*rows]}).encode()
        self._pause = pause
        self._lock = threading.Lock()
        self._ends = threading.Event()
        self._began = time.monotonic()
        self._threads = [threading.Thread(target=self._call_on, daemon=True) for _ in range(callers)]

    def __enter__(self) -> Self:
        self._began = time.monotonic()
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._ends.set()
        for thread in self._threads:
            thread.join(CALL_SECONDS * 2)
        print(f"\n{self}")

    def __str__(self) -> str:
        seconds = time.monotonic() - self._began
        failed = "; ".join(self.first_failures[:5])
        return (
            f"{self.answered:,} calls answered in {seconds:.0f} s ({self.answered / seconds:.0f}/s), "
            f"{len(self.first_failures)} failed before the retry, {len(self.failures)} after it{'  ' + failed}"
        )

    def _call_on(self) -> None:
        kept = httpx.Client(base_url=self._url, headers=self._headers, timeout=CALL_SECONDS)
        with kept:
            while not self._ends.is_set():
                with self._lock:
                    path = next(self._paths)
                if why := self._call(kept, path):
                    self._call_again(path, why)
                time.sleep(self._pause)

    def _call_again(self, path: str, why: str) -> None:
        with self._lock:
            self.first_failures.append(self._at(why))
        time.sleep(PAUSE_SECONDS)
        with httpx.Client(base_url=self._url, headers=self._headers, timeout=CALL_SECONDS) as another:
            if again := self._call(another, path):
                with self._lock:
                    self.failures.append(self._at(f"{why}, then {again}"))

    def _call(self, client: httpx.Client, path: str) -> str:
        """Return why a call failed, or nothing."""
        try:
            answer = client.post(path, content=self._body)
        except httpx.HTTPError as error:
            return f"{type(error).__name__}: {error}"
        if answer.status_code != httpx.codes.OK:
            return f"{answer.status_code}: {answer.text[:200]}"
        with self._lock:
            self.answered += 1
        return ""

    def _at(self, why: str) -> str:
        return f"[{time.monotonic() - self._began:.1f} s] {why}"
