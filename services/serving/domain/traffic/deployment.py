"""What a deployment is, apart from how it is stored, sent or loaded."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import Enum

from fairlead.kit.errors import NotFound

from ..models.model import ModelSource
from .split import Step, Traffic

REFERENCE_FILE = "reference.json"


class State(Enum):
    """Whether a deployment answers."""

    LOADING = "loading"
    READY = "ready"
    FAILED = "failed"


@dataclass(frozen=True)
class Deployment:
    """Model versions served under a stable name.

    previous_traffic: what a rollback returns to; empty where nothing was served before. steps: splits to come, soonest
    first. in_rollout: whether the split is a step of a plan, or the one that a plan began with. schedule_error: why
    steps that were planned are not made. log_sampling_rate: the share of requests that is logged; 0 for all. revision:
    the number of the change that made it so, higher for later changes of any deployment.
    """

    project: str
    id: str
    traffic: Traffic
    etag: str
    create_time: datetime
    update_time: datetime
    previous_traffic: Traffic = ()
    steps: tuple[Step, ...] = ()
    in_rollout: bool = False
    schedule_error: str = ""
    pinned: bool = False
    log_sampling_rate: float = 0.0
    revision: int = 0

    @property
    def name(self) -> str:
        """Return the resource name."""
        return deployment_name(self.project, self.id)

    @property
    def inference_name(self) -> str:
        """Return the model's name in the Open Inference Protocol."""
        return f"{self.project}.{self.id}"

    @property
    def model_version(self) -> str:
        """Return the champion's resource name."""
        return self.traffic[0].model_version

    @property
    def package_blob(self) -> str:
        """Return the blob folder of the champion's package."""
        return self.traffic[0].package_blob

    @property
    def reference_blob(self) -> str:
        """Return the blob key of the package's drift reference: its folder's key, a slash and the file's name."""
        return f"{self.package_blob}/{REFERENCE_FILE}"

    @property
    def sources(self) -> list[ModelSource]:
        """Return the models of the split, the champion's first."""
        return [target.source for target in self.traffic]

    @property
    def answering(self) -> list[ModelSource]:
        """Return the models that a split needs to answer: all but its shadows'."""
        return [target.source for target in self.traffic if not target.shadow]

    @property
    def shadows(self) -> list[ModelSource]:
        """Return the models of its shadows, without which it answers as well."""
        return [target.source for target in self.traffic if target.shadow]


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


def inference_name_of(name: str) -> str:
    """Return a deployment's name in the Open Inference Protocol; the resource name must be one."""
    _, project, _, deployment = name.split("/")
    return f"{project}.{deployment}"
