"""Projects."""

from __future__ import annotations

from fairlead.client.transport import Items, Json, Transport


class Projects:
    """All projects."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    def create(self, project_id: str, display_name: str = "") -> Json:
        """Make a project. Raises ApiError (ALREADY_EXISTS)."""
        body = {"project_id": project_id, "display_name": display_name}
        return self._transport.call("POST", "/projects", json=body)

    def list(self) -> Items:
        """Return the projects by name."""
        return [*self._transport.items("/projects")]

    def get(self, project: str) -> Json:
        """Return one project. Raises ApiError (NOT_FOUND)."""
        return self._transport.call("GET", f"/projects/{project}")
