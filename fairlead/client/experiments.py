"""Experiments: the versions that share a deployment's requests, compared by the truths that came back."""

from __future__ import annotations

from fairlead.client.names import id_of
from fairlead.client.transport import Json, Transport


class Experiments:
    """The experiments of one project's deployments."""

    def __init__(self, transport: Transport, project: str) -> None:
        self._transport = transport
        self._path = f"/projects/{project}/deployments"

    def get(self, deployment: str, number: int | None = None) -> Json:
        """Return a deployment's newest experiment, or the one of a number; its figures hold however often one looks.

        Raises ApiError (NOT_FOUND).
        """
        path = f"{self._path}/{id_of(deployment)}/experiment"
        return self._transport.call("GET", path, params={"number": number})
