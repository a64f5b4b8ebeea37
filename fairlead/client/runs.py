"""Runs and their leaderboards."""

from __future__ import annotations

from fairlead.client.names import id_of
from fairlead.client.transport import Items, Json, Transport


class Runs:
    """The runs of one project."""

    def __init__(self, transport: Transport, project: str) -> None:
        self._transport = transport
        self._path = f"/projects/{project}/runs"

    def list(self, limit: int | None = 50) -> Items:
        """Return runs, newest first."""
        return [*self._transport.items(self._path, limit)]

    def get(self, run: str) -> Json:
        """Return one run. Raises ApiError (NOT_FOUND)."""
        return self._transport.call("GET", f"{self._path}/{id_of(run)}")

    def leaderboard(self, run: str) -> Json:
        """Return {"entries": best first, "metric": ..., "greater_is_better": ...}. Raises ApiError (NOT_FOUND)."""
        return self._transport.call("GET", f"{self._path}/{id_of(run)}/leaderboard")
