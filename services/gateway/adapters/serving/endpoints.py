"""Where serving's processes listen: a list, or whatever a name resolves to."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Awaitable, Callable

from fairlead.kit.errors import FailedPrecondition

DNS = "dns:///"
LARGEST_PORT = 65_535


def endpoints_of(setting: str) -> Callable[[], Awaitable[list[str]]]:
    """Return what tells the endpoints of "host:port,host:port" or "dns:///host:port", each as host:port.

    Raises FailedPrecondition where the setting is neither. What is returned raises OSError or UnicodeError where a name
    can't be resolved.
    """
    if setting.startswith(DNS):
        host, port = _host_and_port(setting.removeprefix(DNS), setting)
        return lambda: _resolved(host.strip("[]"), port)
    addresses = [f"{host}:{port}" for host, port in (_host_and_port(part, setting) for part in setting.split(","))]

    async def told() -> list[str]:
        return addresses

    return told


def name_of(setting: str) -> str:
    """Return the host of "dns:///host:port", which all processes behind it have certificates for; "" for a list."""
    return setting.removeprefix(DNS).rpartition(":")[0] if setting.startswith(DNS) else ""


async def _resolved(host: str, port: int) -> list[str]:
    found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return sorted({_joined(address[0], port) for *_, address in found})


def _joined(host: str | int, port: int) -> str:
    return f"[{host}]:{port}" if ":" in str(host) else f"{host}:{port}"


def _host_and_port(text: str, setting: str) -> tuple[str, int]:
    host, _, port = text.strip().rpartition(":")
    if not host or not (port.isascii() and port.isdigit() and 0 < int(port) <= LARGEST_PORT):
        raise FailedPrecondition(
            f"the endpoints '{setting}' are neither host:port,host:port nor dns:///host:port; "
            "see FAIRLEAD_GATEWAY_SERVING_ENDPOINTS"
        )
    return host, int(port)
