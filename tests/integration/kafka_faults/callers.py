"""Callers of the Open Inference Protocol over REST, each on one connection, who keep a pace and note every answer."""

from __future__ import annotations

import http.client
import json
import time
from dataclasses import dataclass, field
from statistics import median, quantiles
from threading import Event, Thread
from typing import Self

from tests.unit.serving import packages
from tests.unit.serving.running import BEARER, RunningService

TIMEOUT_SECONDS = 30.0


@dataclass
class Caller:
    """What one connection was answered, in order: request ids, ids with a status other than 200, ids without an answer
    since the service was killed, and the seconds of each request."""

    name: str
    deployment: str
    answered: list[str] = field(default_factory=list)
    refused: list[tuple[str, int]] = field(default_factory=list)
    broken: list[str] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)


class Callers:
    """Runs callers in threads until told to stop, or until each has sent so many requests; a context manager."""

    def __init__(
        self,
        service: RunningService,
        deployments: list[str],
        *,
        rows: int,
        pace: float,
        most: int = 10**9,
        name: str = "caller",
    ) -> None:
        """One caller for each deployment named; `pace` is requests a second of each, `rows` the rows of a request."""
        self.rows = rows
        self.callers = [Caller(f"{name}{number}", deployment) for number, deployment in enumerate(deployments)]
        self._address = service.settings.rest_address
        self._pace, self._most = pace, most
        self._stop = Event()
        self._threads = [Thread(target=self._call, args=(caller,), daemon=True) for caller in self.callers]

    def __enter__(self) -> Self:
        self._began = time.monotonic()
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def stop(self) -> None:
        """End after the requests under way."""
        self._stop.set()
        self.join()

    def join(self) -> None:
        """Return once all have ended."""
        for thread in self._threads:
            thread.join()
        self.elapsed = time.monotonic() - self._began

    def answered(self, deployment: str) -> list[str]:
        """Return the ids that a deployment's callers had answers for."""
        return [each for caller in self.callers if caller.deployment == deployment for each in caller.answered]

    def broken(self) -> list[str]:
        """Return the ids that had no answer, since the service was killed."""
        return [each for caller in self.callers for each in caller.broken]

    def figures(self) -> str:
        """Return how much was answered, how fast."""
        count = sum(len(caller.answered) for caller in self.callers)
        seconds = [second for caller in self.callers for second in caller.seconds]
        rate = count * self.rows / self.elapsed
        p99 = quantiles(seconds, n=100)[98] * 1000
        return (
            f"{count:,} requests of {self.rows} rows answered in {self.elapsed:.1f} s, {rate:,.0f} predictions/s; "
            f"p50 {median(seconds) * 1000:.1f} ms, p99 {p99:.1f} ms, longest {max(seconds) * 1000:.0f} ms"
        )

    def _call(self, caller: Caller) -> None:
        body = _body(self.rows)
        connection = http.client.HTTPConnection(self._address, timeout=TIMEOUT_SECONDS)
        path = f"/v2/models/p.{caller.deployment}/infer"
        for number in range(self._most):
            due = self._began + number / self._pace
            if self._stop.wait(max(0.0, due - time.monotonic())):
                break
            request_id = f"{caller.name}-{number:06d}"
            began = time.monotonic()
            try:
                connection.request("POST", path, body.replace(b"REQUEST_ID", request_id.encode()), BEARER)
                response = connection.getresponse()
                response.read()
            except (OSError, http.client.HTTPException):
                # The service was killed: nobody knows what became of this one.
                caller.broken.append(request_id)
                connection.close()
                time.sleep(0.1)
                continue
            caller.seconds.append(time.monotonic() - began)
            if response.status == 200:
                caller.answered.append(request_id)
            else:
                caller.refused.append((request_id, response.status))
        connection.close()


def _body(rows: int) -> bytes:
    table, _ = packages.census_rows(rows, seed=3)
    inputs = [
        {"name": name, "datatype": "BYTES" if name == "workclass" else "FP64", "shape": [rows], "data": list(column)}
        for name, column in zip(("age", "hours-per-week", "workclass"), table.T, strict=True)
    ]
    return json.dumps({"id": "REQUEST_ID", "inputs": inputs}).encode()
