"""Monitors, their reports and alerts."""

from __future__ import annotations

from fairlead.client.names import id_of
from fairlead.client.transport import Items, Json, Transport


class Monitors:
    """The monitors of one project."""

    def __init__(self, transport: Transport, project: str) -> None:
        self._transport = transport
        self._project = f"/projects/{project}"
        self._path = f"{self._project}/monitors"

    def list(self) -> Items:
        """Return the monitors by name."""
        return [*self._transport.items(self._path)]

    def get(self, monitor: str) -> Json:
        """Return the monitor of a deployment. Raises ApiError (NOT_FOUND)."""
        return self._transport.call("GET", f"{self._path}/{id_of(monitor)}")

    def update(self, monitor: str, **policy: float) -> Json:
        """Change a policy's fields, such as window_rows=500, and return the monitor."""
        return self._transport.call("PATCH", f"{self._path}/{id_of(monitor)}", json={"policy": policy})

    def reports(self, monitor: str, limit: int | None = 50) -> Items:
        """Return a monitor's reports, newest first."""
        return [*self._transport.items(f"{self._path}/{id_of(monitor)}/reports", limit)]

    def alerts(self, monitor: str | None = None, limit: int | None = 50) -> Items:
        """Return alerts, newest first, of one monitor or of the whole project."""
        path = f"{self._project}/alerts" if monitor is None else f"{self._path}/{id_of(monitor)}/alerts"
        return [*self._transport.items(path, limit)]
