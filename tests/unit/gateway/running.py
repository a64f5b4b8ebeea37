"""A gateway on real sockets, in this process, with its peers."""

from __future__ import annotations

import hashlib
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from threading import Thread
from typing import Any

import httpx
import uvicorn
from starlette.types import ASGIApp

from fairlead.kit import backends
from fairlead.kit.blobs import BlobStore
from fairlead.kit.events import EventLog, open_event_log
from services.gateway.app import create_app
from services.gateway.composition import compose
from services.gateway.http_server import server_config
from services.gateway.parts import Parts
from services.gateway.prediction_door import PredictionDoor
from services.gateway.settings import GatewaySettings
from tests import waiting
from tests.unit.gateway.peers import Peers

TOKEN = "the-admins-token"
CONNECTIONS = 200
SERVICE_TOKEN = "the-services-token"


@dataclass
class Running:
    """A running gateway: call it with `http`, look behind it with the rest."""

    url: str
    http: httpx.Client
    peers: Peers
    parts: Parts
    events: EventLog
    blobs: BlobStore

    def json(self, method: str, path: str, status: int = 200, **options: Any) -> Any:
        """Return the JSON of an answer that has the status."""
        answer = self.http.request(method, path, **options)
        assert answer.status_code == status, answer.text
        return answer.json()


def settings_for(home: Path, peers: str = "127.0.0.1:1", **others: Any) -> GatewaySettings:
    """Return settings with the stores below home and all other services at one address, but for what others name."""
    services = ("profiler", "trainer", "serving", "drift", "conductor")
    chosen: dict[str, Any] = {
        "service_token": SERVICE_TOKEN,
        "admin_token_sha256": hashlib.sha256(TOKEN.encode()).hexdigest(),
        "gateway_inference_address": peers,
        "gateway_heartbeat_seconds": 0.3,
        **{f"{service}_address": peers for service in services},
    }
    return GatewaySettings(home=home, **{**chosen, **others})


@contextmanager
def running_gateway(
    home: Path,
    app_of: Callable[[Parts], ASGIApp] = create_app,
    door_of: Callable[[Parts], PredictionDoor] = PredictionDoor,
    **others: Any,
) -> Iterator[Running]:
    """Run a gateway, of its application and its door, and its peers for a block."""
    events = open_event_log(f"sqlite:///{home}/events.db", source="trainer")
    blobs = backends.blob_store(settings_for(home, **others))
    peers = Peers(home, events, blobs, SERVICE_TOKEN)
    parts = compose(settings_for(home, peers.address, **others))
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    server = uvicorn.Server(server_config(app_of(parts), door_of(parts), connections=CONNECTIONS, drain_seconds=2))
    thread = Thread(target=server.run, kwargs={"sockets": [listener]})
    thread.start()
    url = f"http://127.0.0.1:{listener.getsockname()[1]}"
    try:
        with httpx.Client(base_url=url, headers={"Authorization": f"Bearer {TOKEN}"}, timeout=20) as http:
            _wait_until_ready(http)
            yield Running(url, http, peers, parts, events, blobs)
    finally:
        parts.changes.close()
        server.should_exit = True
        thread.join()
        parts.services.close()
        parts.events.close()
        peers.close()
        events.close()


def _wait_until_ready(http: httpx.Client) -> None:
    def is_ready() -> bool:
        try:
            return http.get("/readyz").status_code == 200
        except httpx.ConnectError:
            return False

    waiting.until(is_ready, "the gateway")
