"""A server as a container, by testcontainers."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from functools import cache
from typing import TYPE_CHECKING

from tests.servers import guard
from tests.servers.ladder import SCRIPT, NotHere, picked

if TYPE_CHECKING:
    from docker import DockerClient

STOP_SECONDS = 30
_LOG_BYTES = 6_000


@cache
def _engine() -> DockerClient:
    """Return a client of the Docker engine; raises NotHere where none answers."""
    import docker
    from docker.errors import DockerException

    try:
        client = docker.from_env(timeout=60)
        client.ping()
    except DockerException as error:
        raise NotHere("no Docker engine answers; start one") from error
    return client


def image_for(setting: str, official: str, own: str) -> str:
    """Return the image to use: the setting's, else the official one, else our own, whichever is there.

    Where containers were asked for, an image that is not there is left to the engine to pull. Raises NotHere.
    """
    from docker.errors import ImageNotFound

    named = os.environ.get(setting)
    wanted = (named,) if named else (official, own)
    for image in wanted:
        try:
            _engine().images.get(image)
        except ImageNotFound:
            continue
        return image
    if picked() == "container" and named:
        return named
    raise NotHere(f"no image {' or '.join(wanted)}; run {SCRIPT} images, or name one in {setting}")


class ContainerServer:
    """A server as a container; its data are in the container."""

    def __init__(
        self, image: str, port: int, host_port: int, environment: Mapping[str, str], command: Sequence[str] = ()
    ) -> None:
        from testcontainers.core.config import testcontainers_config
        from testcontainers.core.container import DockerContainer

        # Our guard does what testcontainers' own helper container is for, and needs no image.
        testcontainers_config.ryuk_disabled = True
        self._container = DockerContainer(image)
        # The loopback alone: a test's server is nobody else's.
        self._container.ports[port] = ("127.0.0.1", host_port)  # type: ignore[assignment]
        for name, value in environment.items():
            self._container.with_env(name, value)
        if command:
            self._container.with_command(list(command))
        self._id = ""

    def start(self) -> None:
        """Start it; returns before it is ready."""
        if self._id:
            self._docker().start()
            return
        self._container.start()
        self._id = str(self._container.get_wrapped_container().id)
        guard.watch("container", self._id)

    def stop(self) -> None:
        """Ask it to end, wait until it has."""
        if self._id:
            self._docker().stop(timeout=STOP_SECONDS)

    def kill(self) -> None:
        """Kill it; its file system stays."""
        if self.is_running():
            self._docker().kill("SIGKILL")
            self._docker().wait()

    def discard(self) -> None:
        """Remove it."""
        if self._id:
            self._container.stop(force=True, delete_volume=True)
            guard.forget("container", self._id)
            self._id = ""

    def is_running(self) -> bool:
        """Return whether it has not ended."""
        return bool(self._id) and self._docker().status == "running"

    def log(self) -> str:
        """Return the end of what it printed."""
        return self._docker().logs(tail=80)[-_LOG_BYTES:].decode(errors="replace") if self._id else ""

    def _docker(self):
        container = self._container.get_wrapped_container()
        container.reload()
        return container
