"""A Fairlead started with `fairlead up` in a process of its own."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import psutil

from fairlead import Client
from fairlead.kit.database import schema_url
from fairlead.up.back_ends import URLS
from fairlead.up.ports import plan
from fairlead.up.supervisor import services_not_ready
from tests.ports import free_port

READY_SECONDS = 180.0


def without_back_ends(environment: Mapping[str, str]) -> dict[str, str]:
    """Return an environment that names no back end: a test's Fairlead never touches those of who runs the tests."""
    return {name: value for name, value in environment.items() if name not in URLS}


def free_base_port() -> int:
    """Return a base port whose whole plan is free."""
    return free_port(*plan(0))


@dataclass
class RunningFairlead:
    """The process of `fairlead up`, its home and base port, and the variables that name its back ends."""

    home: Path
    base_port: int
    process: subprocess.Popen[str]
    output: Path
    environment: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def start(
        cls,
        home: Path,
        base_port: int | None = None,
        executable: Path = Path(sys.executable),
        environment: Mapping[str, str] | None = None,
    ) -> RunningFairlead:
        base_port = base_port or free_base_port()
        environment = environment or {}
        output = home / f"up-{len([*home.glob('up-*.out')])}.out"
        with output.open("w") as file:
            process = subprocess.Popen(
                [str(executable), "-m", "fairlead.cli.main", "up", "--port", str(base_port), "--home", str(home)],
                stdout=file,
                stderr=subprocess.STDOUT,
                text=True,
                env={**without_back_ends(os.environ), **environment, "COLUMNS": "200"},
            )
        fairlead = cls(home, base_port, process, output, environment)
        fairlead.wait_until_said("Fairlead is ready")
        return fairlead

    def again(self) -> RunningFairlead:
        """Start another with the same home, port and back ends, after this one has ended."""
        return self.start(self.home, self.base_port, environment=self.environment)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.base_port}"

    @property
    def token(self) -> str:
        return (self.home / "token").read_text().strip()

    @property
    def mlflow_url(self) -> str:
        """Return where MLflow's own clients find its runs and models."""
        database = self.environment.get("FAIRLEAD_DATABASE_URL")
        return schema_url(database, "mlflow") if database else f"sqlite:///{self.home}/mlflow.db"

    def client(self, project: str = "default") -> Client:
        return Client(self.url, self.token, project)

    def said(self) -> str:
        return self.output.read_text()

    def wait_until_said(self, text: str, seconds: float = READY_SECONDS) -> None:
        deadline = time.monotonic() + seconds
        while text not in self.said():
            assert self.process.poll() is None, f"fairlead up ended:\n{self.said()}\n{self.logs()}"
            assert time.monotonic() < deadline, f"'{text}' was not said:\n{self.said()}\n{self.logs()}"
            time.sleep(0.1)

    def pid_of(self, service: str) -> int | None:
        """Return the service's process id, None while it is being started again."""
        for child in psutil.Process(self.process.pid).children():
            try:
                if child.cmdline()[-1].endswith(f".{service}"):
                    return child.pid
            except (psutil.NoSuchProcess, psutil.ZombieProcess, IndexError):
                continue
        return None

    def kill(self, service: str) -> None:
        """Kill a service as the kernel would, without warning."""
        pid = self.pid_of(service)
        assert pid is not None, f"{service} does not run"
        os.kill(pid, signal.SIGKILL)

    def wait_until_healthy(self, seconds: float = 60.0) -> None:
        deadline = time.monotonic() + seconds
        while services_not_ready(self.url, self.token):
            assert time.monotonic() < deadline, f"not healthy:\n{self.said()}\n{self.logs()}"
            time.sleep(0.2)

    def logs(self) -> str:
        """Return the last lines of every service's log, for a failure's message."""
        return "\n".join(
            f"--- {log.name}\n" + "\n".join(log.read_text(errors="replace").splitlines()[-15:])
            for log in sorted((self.home / "logs").glob("*.log"))
        )

    def stop(self) -> int:
        """Stop as Ctrl-C does and return the exit status."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGINT)
        return self.process.wait(timeout=60)

    def address(self) -> dict[str, object]:
        return dict(json.loads((self.home / "up.json").read_text()))
