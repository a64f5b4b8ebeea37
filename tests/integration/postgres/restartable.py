"""A PostgreSQL server of a test's own, which it may stop, kill and start again with the same data."""

from __future__ import annotations

import pytest

from tests.servers.postgres import URL, Postgres


class RestartablePostgres(Postgres):
    """A server that is always started here, whatever server the environment names."""

    def __init__(self) -> None:
        with pytest.MonkeyPatch.context() as patch:
            patch.delenv(URL, raising=False)
            super().__init__()

    def stop(self) -> None:
        """Have it end its connections and go."""
        assert self._server is not None
        self._server.stop()

    def start(self) -> None:
        """Start it again and return once it answers."""
        assert self._server is not None
        self._server.start()
        self._wait()
