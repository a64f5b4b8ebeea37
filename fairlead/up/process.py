"""One service as a child process."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path

LOG_LIMIT_BYTES = 20 * 1024 * 1024
LONGEST_PAUSE = 30.0
STEADY_SECONDS = 60.0


class ServiceProcess:
    """Starts a service's module, starts it again after it died, stops it."""

    def __init__(self, name: str, module: str, environment: Mapping[str, str], log: Path) -> None:
        self.name = name
        self.log = log
        self._module = module
        self._environment = dict(environment)
        self._process: subprocess.Popen[bytes] | None = None
        self._started_at = 0.0
        self._start_again_at: float | None = None
        self._quick_ends = 0

    @property
    def pid(self) -> int | None:
        """Return the process id while it runs."""
        return self._process.pid if self._process is not None and self._process.poll() is None else None

    def start(self) -> None:
        """Start the process with its output appended to the log."""
        if self.log.exists() and self.log.stat().st_size > LOG_LIMIT_BYTES:
            self.log.replace(self.log.with_suffix(".log.1"))
        with self.log.open("ab") as output:
            # A session of its own keeps Ctrl-C for the supervisor, which stops the services in order.
            self._process = subprocess.Popen(
                [sys.executable, "-m", self._module],
                env=self._environment,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        self._started_at = time.monotonic()
        self._start_again_at = None

    def look_after(self) -> str | None:
        """Start the process again where it died, at first at once, then after growing pauses.

        Returns a sentence when something happened.
        """
        now = time.monotonic()
        if self._start_again_at is not None:
            if now < self._start_again_at:
                return None
            self.start()
            return f"{self.name} was started again (pid {self.pid})"
        status = None if self._process is None else self._process.poll()
        if status is None:
            return None
        self._kill_group(signal.SIGKILL)
        steady = now - self._started_at > STEADY_SECONDS
        self._quick_ends = 1 if steady else self._quick_ends + 1
        self._start_again_at = now + pause_before_start(self._quick_ends)
        return f"{self.name} ended ({describe_status(status)}); starting it again, its log is {self.log}"

    def ask_to_stop(self) -> None:
        """Ask the process to drain and end."""
        if self._process is not None and self._process.poll() is None:
            self._process.send_signal(signal.SIGTERM)

    def wait_or_kill(self, seconds: float) -> bool:
        """Wait for the end; after so many seconds kill it. Returns whether it ended by itself."""
        if self._process is None:
            return True
        try:
            self._process.wait(seconds)
            ended = True
        except subprocess.TimeoutExpired:
            ended = False
        # What the service left behind in its group, such as a worker, must not keep its ports.
        self._kill_group(signal.SIGKILL)
        self._process.wait()
        return ended

    def _kill_group(self, number: signal.Signals) -> None:
        if self._process is None:
            return
        try:
            os.killpg(self._process.pid, number)
        except ProcessLookupError:
            return


def pause_before_start(quick_ends: int) -> float:
    """Return the seconds to wait before the next start: none after the first end, then 1, 2, 4 up to 30."""
    return 0.0 if quick_ends <= 1 else min(LONGEST_PAUSE, 2.0 ** (quick_ends - 2))


def describe_status(status: int) -> str:
    """Return an exit status in words: "exit status 1" or "signal 9 SIGKILL"."""
    if status >= 0:
        return f"exit status {status}"
    return f"signal {-status} {signal.Signals(-status).name}"
