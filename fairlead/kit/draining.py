"""A uvicorn server that loses no request when it ends."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable

import uvicorn

from fairlead.kit.pulse import Pulse

LAST_REQUEST_SECONDS = 1.0
"""How long connections without a request are kept while the server ends: one may be on its way."""
TICK_SECONDS = 0.02
CLOSE = (b"connection", b"close")


class DrainingServer(uvicorn.Server):
    """Says goodbye with the next answer on each connection before it closes those that ask nothing more.

    Uvicorn itself closes connections without a request at once, also under a request that is on its way.
    """

    def __init__(self, config: uvicorn.Config, on_drain: Callable[[], None] = lambda: None) -> None:
        """Serve as the configuration says; on_drain is called when the end begins."""
        super().__init__(config)
        self._on_drain = on_drain
        self.pulse = Pulse()

    async def on_tick(self, counter: int) -> bool:
        """Return whether to end; called ten times a second."""
        self.pulse.beat()
        return await super().on_tick(counter)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Take no more connections, end those there are, and close the application."""
        self.pulse.end()
        self._on_drain()
        # Who is in the listener's queue is served; the next one finds nobody listening and knows that.
        await asyncio.sleep(0)
        for server in self.servers:
            server.close()
        # In place: requests under way hold the same list.
        self.server_state.default_headers.append(CLOSE)
        loop = asyncio.get_running_loop()
        until = loop.time() + LAST_REQUEST_SECONDS
        while self.server_state.connections and loop.time() < until:
            await asyncio.sleep(TICK_SECONDS)
        await super().shutdown(sockets)
