"""What this server says of itself and of its models in the Open Inference Protocol."""

from __future__ import annotations

from typing import NamedTuple

from fairlead.kit.errors import FairleadError

from .catalog import Catalog, Status
from .deployment import Deployment, State, name_of_inference

SERVER_NAME = "fairlead"
EXTENSIONS = ("binary_tensor_data", "model_configuration", "model_repository", "statistics")
GRPC_EXTENSIONS = ("model_repository",)
PLATFORM = "fairlead_tabular"
_STATES = {State.READY: "READY", State.LOADING: "LOADING", State.FAILED: "UNAVAILABLE"}


class IndexEntry(NamedTuple):
    """One model of the repository."""

    name: str
    version: str
    state: str
    reason: str


def repository_index(catalog: Catalog, *, ready_only: bool = False) -> list[IndexEntry]:
    """Return every model by name, or only those that answer."""
    entries = [_entry(deployment, catalog.status(deployment.name)) for deployment in catalog.deployments()]
    return [entry for entry in entries if entry.state == "READY" or not ready_only]


def is_ready(catalog: Catalog, inference_name: str, version: str) -> bool:
    """Return whether this version of a model answers now."""
    try:
        model = catalog.peek(name_of_inference(inference_name))
    except FairleadError:
        return False
    return model is not None and version in ("", model.number)


def _entry(deployment: Deployment, status: Status) -> IndexEntry:
    number = deployment.model_version.rpartition("/")[2]
    return IndexEntry(deployment.inference_name, number, _STATES[status.state], status.error)
