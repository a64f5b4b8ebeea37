from __future__ import annotations

import socket

from fairlead.kit.settings import SERVICES, KitSettings
from fairlead.up import ports


def test_the_plan_agrees_with_the_settings_of_the_services() -> None:
    settings = KitSettings(base_port=9000)

    planned = ports.plan(9000)

    for service in SERVICES:
        port = int(getattr(settings, f"{service}_address").rsplit(":", 1)[1])
        assert planned[port] == f"{service} (gRPC)"
        assert planned[port + ports.METRICS] == f"{service} (metrics)"
    assert ports.SERVICES == SERVICES


def test_a_port_that_something_listens_on_is_taken() -> None:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        port = listener.getsockname()[1]

        assert ports.taken(port)[port] == "gateway"
    assert port not in ports.taken(port)
