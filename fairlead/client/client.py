"""The client: one object, one attribute a noun."""

from __future__ import annotations

from types import TracebackType
from typing import Self

import httpx

from fairlead.client.connection import find_connection
from fairlead.client.datasets import Datasets
from fairlead.client.deployments import Deployments
from fairlead.client.experiments import Experiments
from fairlead.client.models import Models
from fairlead.client.monitors import Monitors
from fairlead.client.projects import Projects
from fairlead.client.runs import Runs
from fairlead.client.tasks import Tasks
from fairlead.client.transport import Json, Transport
from fairlead.client.workflows import Workflows


class Client:
    """Fairlead's REST API in Python. Answers are the API's JSON as dictionaries, described at /docs.

    >>> client = Client()
    >>> client.datasets.upload("adult.csv")
    >>> workflow = client.workflows.start("adult", target="income", budget="60s")
    >>> client.workflows.wait(workflow["name"])
    >>> client.deployments.create("adult", model="adult@champion")
    >>> client.deployments.predict("adult", [{"age": 39, "education": "Bachelors"}])
    """

    def __init__(
        self,
        url: str | None = None,
        token: str | None = None,
        project: str = "default",
        timeout: float = 60.0,
        transport: httpx.BaseTransport | None = None,
        reconnect_seconds: float = 60.0,
    ) -> None:
        """Connect to url with token; left out, FAIRLEAD_URL and FAIRLEAD_TOKEN or the local Fairlead are used.

        A call may take timeout seconds; while a task is waited for, the gateway may be away for reconnect_seconds.
        Raises NotConnected where no Fairlead can be found.
        """
        self.connection = find_connection(url, token)
        self.project = project
        self._transport = Transport(self.connection, timeout, transport)
        self.projects = Projects(self._transport)
        self.tasks = Tasks(self._transport, project, reconnect_seconds)
        self.datasets = Datasets(self._transport, project, self.tasks)
        self.workflows = Workflows(self._transport, project, self.tasks)
        self.runs = Runs(self._transport, project)
        self.models = Models(self._transport, project)
        self.deployments = Deployments(self._transport, project, self.tasks)
        self.experiments = Experiments(self._transport, project)
        self.monitors = Monitors(self._transport, project)

    def status(self) -> Json:
        """Return the health and the addresses of the services."""
        return self._transport.call("GET", "/status")

    def close(self) -> None:
        """Close the connections."""
        self._transport.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
