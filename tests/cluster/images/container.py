"""One container of an image of ours, as a pod that the policy "restricted" admits."""

from __future__ import annotations

import json
import os
import subprocess
import time
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

import grpc
from grpc_health.v1.health_pb2 import HealthCheckRequest, HealthCheckResponse
from grpc_health.v1.health_pb2_grpc import HealthStub

from tests.servers import guard

SERVICES = ("gateway", "profiler", "trainer", "serving", "drift", "conductor")
IMAGES = (*SERVICES, "operator", "client")
SERVICE_TOKEN = sha256(b"of the services").hexdigest()
RESTRICTED = (
    *("--read-only", "--user", "10001:10001", "--cap-drop", "ALL", "--security-opt", "no-new-privileges"),
    *("--tmpfs", "/tmp", "--tmpfs", "/var/lib/fairlead:uid=10001,gid=10001"),
)
START_SECONDS = 180.0


def image_named(name: str) -> str:
    """Return the image as `make images` names it."""
    return f"{os.environ.get('REGISTRY', '')}fairlead-{name}:{os.environ.get('TAG', 'dev')}"


def docker(*arguments: str, check: bool = True, stdin: str | None = None) -> subprocess.CompletedProcess[str]:
    """Run the docker command; an AssertionError shows what it printed where it fails and must not."""
    done = subprocess.run(["docker", *arguments], capture_output=True, text=True, input=stdin)
    assert done.returncode == 0 or not check, f"docker {' '.join(arguments)}\n{done.stdout}{done.stderr}"
    return done


def inspect(name: str) -> dict[str, Any]:
    """Return what the engine knows of an image."""
    (known,) = json.loads(docker("image", "inspect", name).stdout)
    return dict(known)


def once(name: str, *command: str, stdin: str | None = None) -> str:
    """Return what a command in a container of an image of ours prints; it must succeed."""
    entry, *arguments = command
    door = ("--interactive", *RESTRICTED, "--entrypoint", entry)
    return docker("run", "--rm", *door, image_named(name), *arguments, stdin=stdin).stdout


def python(name: str, program: str) -> str:
    """Return what a Python program prints in a container of an image of ours."""
    return once(name, "python", "-", stdin=program)


@dataclass(frozen=True)
class Container:
    """A service that runs by itself, on the embedded back ends. A context manager: ready inside, gone behind."""

    id: str
    base_port: int

    @classmethod
    def start(cls, name: str) -> Container:
        """Start it; returns before it is ready."""
        port = 7401 + SERVICES.index(name)
        variables = ("--env", f"FAIRLEAD_SERVICE_TOKEN={SERVICE_TOKEN}", "--env", "FAIRLEAD_PROBES=true")
        doors = [part for offset in (0, 200) for part in ("--publish", f"127.0.0.1::{port + offset}")]
        done = docker("run", "--detach", *RESTRICTED, *variables, *doors, image_named(name))
        container = cls(done.stdout.strip(), port)
        guard.watch("container", container.id)
        return container

    def __enter__(self) -> Container:
        self.wait_until_ready()
        return self

    def __exit__(self, *_: object) -> None:
        docker("rm", "--force", "--volumes", self.id)
        guard.forget("container", self.id)

    def is_running(self) -> bool:
        """Return whether its process lives."""
        return docker("inspect", "--format", "{{.State.Running}}", self.id).stdout.strip() == "true"

    def log(self) -> str:
        """Return what it printed."""
        done = docker("logs", self.id)
        return done.stdout + done.stderr

    def stop(self) -> int:
        """Ask it to end as a kubelet does and return its exit status."""
        docker("stop", "--time", "60", self.id)
        return int(docker("inspect", "--format", "{{.State.ExitCode}}", self.id).stdout)

    def door(self, offset: int = 0) -> str:
        """Return host:port at which one of its gRPC ports is reached from here."""
        return docker("port", self.id, str(self.base_port + offset)).stdout.split()[0]

    def health(self, service: str, offset: int = 0) -> HealthCheckResponse.ServingStatus:
        """Return what a stock health client is answered."""
        with grpc.insecure_channel(self.door(offset)) as channel:
            request = HealthCheckRequest(service=service)
            return HealthStub(channel).Check(request, timeout=5).status

    def wait_until_ready(self) -> None:
        """Wait until it takes work; an AssertionError shows its log where it ends, or where that takes too long."""
        until = time.monotonic() + START_SECONDS
        while self.is_running() and time.monotonic() < until:
            try:
                if self.health("fairlead.ready", offset=200) == HealthCheckResponse.SERVING:
                    return
            except grpc.RpcError:
                pass
            time.sleep(0.2)
        raise AssertionError(f"it is not ready; its log:\n{self.log()}")
