"""Starts the services on one machine and keeps them running until asked to stop."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import IO

import httpx

from fairlead.up import home as homes
from fairlead.up import ports
from fairlead.up.back_ends import named, prepare
from fairlead.up.errors import UpError
from fairlead.up.process import ServiceProcess

READY_SECONDS = 120.0
DRAIN_SECONDS = 25.0
RELEASE_SECONDS = 10.0
NEEDED = ("grpc", "fastapi", "duckdb", "mlflow", "bentoml", "dbos")


class Supervisor:
    """The services of one Fairlead as child processes."""

    def __init__(self, home: Path, base_port: int, say: Callable[[str], None]) -> None:
        self.home = home.expanduser().absolute()
        self.base_port = base_port
        self.url = f"http://127.0.0.1:{base_port}"
        # A line for each, where any of them is not on this machine.
        self.back_ends: tuple[str, ...] = ()
        self._say = say
        self._processes: list[ServiceProcess] = []
        self._lock: IO[str] | None = None
        self._asked_to_stop = False

    def start(self) -> homes.Token:
        """Start all services and return the admin's token once the gateway reports all of them ready.

        Raises UpError where something stands in the way.
        """
        root = services_package()
        self.home.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._lock = homes.lock(self.home)
        if self._lock is None:
            raise UpError(f"Fairlead already runs with home {self.home}; stop it, or give another --home")
        if (self.home / homes.RESTORE_MARK).exists():
            raise UpError(f"a restore into {self.home} did not end; run `fairlead restore` with the same backup again")
        self._require_ports()
        if named(os.environ):
            self._say("Looking whether the back ends can be used ...")
            self.back_ends = prepare({**os.environ, "FAIRLEAD_HOME": str(self.home)})
        # Only now: what is shown once must not be made by a start that fails.
        admin = homes.keep_token(self.home / "token")
        service = homes.keep_token(self.home / "service_token")
        environment = {**os.environ, **self._settings(admin, service)}
        self._say("Starting the services ...")
        logs = self.home / "logs"
        logs.mkdir(exist_ok=True)
        for name in ports.SERVICES:
            process = ServiceProcess(name, f"{root}.{name}", environment, logs / f"{name}.log")
            self._processes.append(process)
            process.start()
        homes.write_running(self.home, homes.Running(self.url, os.getpid()))
        self._wait_until_ready(admin)
        return admin

    def run(self) -> None:
        """Look after the services until SIGTERM or SIGINT."""
        while not self._asked_to_stop:
            self._look_after()
            time.sleep(0.2)

    def stop_on_signals(self) -> None:
        """Let SIGTERM and SIGINT end run(); a second one ends at once."""
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._on_signal)

    def stop(self) -> None:
        """Drain and stop every service."""
        for process in self._processes:
            process.ask_to_stop()
        deadline = time.monotonic() + DRAIN_SECONDS
        for process in self._processes:
            if not process.wait_or_kill(max(0.1, deadline - time.monotonic())):
                self._say(f"{process.name} did not end within {DRAIN_SECONDS:.0f} s and was killed")
        self._processes = []
        if self._lock is not None:
            homes.forget_running(self.home)
            self._lock.close()
            self._lock = None

    def pids(self) -> Mapping[str, int | None]:
        """Return the process id of each service, None for one that is just being started again."""
        return {process.name: process.pid for process in self._processes}

    def _settings(self, admin: homes.Token, service: homes.Token) -> dict[str, str]:
        return {
            "FAIRLEAD_HOME": str(self.home),
            "FAIRLEAD_BASE_PORT": str(self.base_port),
            "FAIRLEAD_SERVICE_TOKEN": service.value,
            "FAIRLEAD_ADMIN_TOKEN_SHA256": admin.sha256,
            "FAIRLEAD_EXIT_WITH_PARENT": "true",
        }

    def _require_ports(self) -> None:
        # Services of an `up` that was killed a moment ago are still draining.
        deadline = time.monotonic() + RELEASE_SECONDS
        while taken := ports.taken(self.base_port):
            orphans = homes.read_running(self.home) is not None
            if not orphans or time.monotonic() > deadline:
                first, use = next(iter(taken.items()))
                more = f" (and {len(taken) - 1} more that Fairlead needs)" if len(taken) > 1 else ""
                raise UpError(
                    f"port {first} for {use} is in use{more}; stop what listens there, or choose other ports "
                    f"with --port, such as --port {self.base_port + 1000}"
                )
            time.sleep(0.2)

    def _wait_until_ready(self, admin: homes.Token) -> None:
        deadline = time.monotonic() + READY_SECONDS
        waiting_for = ["gateway"]
        while waiting_for:
            if self._asked_to_stop:
                raise UpError("stopped before everything was ready")
            if time.monotonic() > deadline:
                raise UpError(
                    f"not ready after {READY_SECONDS:.0f} s, waiting for {', '.join(waiting_for)}; the logs are in "
                    f"{self.home / 'logs'}"
                )
            self._look_after()
            time.sleep(0.1)
            waiting_for = services_not_ready(self.url, admin.value)

    def _look_after(self) -> None:
        for process in self._processes:
            if (sentence := process.look_after()) is not None:
                self._say(sentence)

    def _on_signal(self, *_: object) -> None:
        if self._asked_to_stop:
            raise KeyboardInterrupt
        self._asked_to_stop = True


def services_not_ready(url: str, token: str) -> list[str]:
    """Return the services that do not serve yet; the gateway stands for all while it does not answer."""
    try:
        answer = httpx.get(f"{url}/api/v1/status", headers={"Authorization": f"Bearer {token}"}, timeout=5.0)
    except httpx.HTTPError:
        return ["gateway"]
    if answer.status_code != httpx.codes.OK:
        return ["gateway"]
    return [service["service"] for service in answer.json()["services"] if service["state"] != "serving"]


def services_package() -> str:
    """Return the package that holds the services: inside fairlead when installed, beside it in a clone.

    Raises UpError where the services or their libraries are not installed.
    """
    missing = [name for name in NEEDED if find_spec(name) is None]
    if missing:
        raise UpError(
            f"the services need libraries that are not installed ({', '.join(missing)}): pip install 'fairlead[all]'"
        )
    if find_spec("fairlead.services") is not None:
        return "fairlead.services"
    if find_spec("services.gateway") is not None:
        return "services"
    raise UpError("the services are not installed: pip install 'fairlead[all]'")
