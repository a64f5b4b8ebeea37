"""What a deployment is, apart from how it is stored, sent or loaded."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import Enum

from fairlead.kit.errors import NotFound

REFERENCE_FILE = "reference.json"


class State(Enum):
    """Whether a deployment answers."""

    LOADING = "loading"
    READY = "ready"
    FAILED = "failed"


@dataclass(frozen=True)
class Deployment:
    """One model version served under a stable name."""

    project: str
    id: str
    model_version: str
    package_blob: str
    etag: str
    create_time: datetime
    update_time: datetime

    @property
    def name(self) -> str:
        """Return the resource name."""
        return deployment_name(self.project, self.id)

    @property
    def inference_name(self) -> str:
        """Return the model's name in the Open Inference Protocol."""
        return f"{self.project}.{self.id}"

    @property
    def reference_blob(self) -> str:
        """Return the blob key of the package's drift reference: its folder's key, a slash and the file's name."""
        return f"{self.package_blob}/{REFERENCE_FILE}"


def deployment_name(project: str, deployment: str) -> str:
    """Return the resource name of a deployment."""
    return f"projects/{project}/deployments/{deployment}"


def name_of_inference(inference_name: str) -> str:
    """Return the resource name behind a model name of the protocol. Raises NotFound where it can't be one."""
    project, dot, deployment = inference_name.partition(".")
    if not dot:
        raise NotFound(
            f"there is no model '{inference_name}'; models are named PROJECT.DEPLOYMENT", resource=inference_name
        )
    return deployment_name(project, deployment)
