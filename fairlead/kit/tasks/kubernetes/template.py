"""The pod template that Jobs are made from: a YAML file, as in a Job's or a Deployment's `template`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

from fairlead.kit.errors import FailedPrecondition

Json = dict[str, Any]
WORKER = "worker"


def load_template(path: str) -> Json:
    """Return the template in the file, with `metadata` and `spec`.

    Raises FailedPrecondition where it can't be read, or has not one container to work in.
    """
    if not path:
        raise FailedPrecondition(
            "FAIRLEAD_RUNNER=kubernetes needs FAIRLEAD_JOB_TEMPLATE_FILE, the file of a pod template"
        )
    try:
        template = yaml.safe_load(Path(path).read_text())
    except (OSError, yaml.YAMLError, UnicodeDecodeError) as error:
        raise FailedPrecondition(f"the pod template '{path}' can't be read: {error}") from error
    if isinstance(template, dict) and isinstance(template.get("template"), dict):
        # A PodTemplate as kubectl writes it.
        template = template["template"]
    spec = template.get("spec") if isinstance(template, dict) else None
    containers = spec.get("containers") if isinstance(spec, dict) else None
    if not isinstance(containers, list) or not all(isinstance(container, dict) for container in containers):
        raise FailedPrecondition(f"the pod template '{path}' has no list spec.containers")
    names = [container.get("name") for container in containers]
    if len(names) != 1 and names.count(WORKER) != 1:
        raise FailedPrecondition(
            f"the pod template '{path}' must have one container, or one named '{WORKER}'; it has {names}"
        )
    return {"metadata": template.get("metadata") or {}, "spec": spec}


def worker_of(spec: Json) -> Json:
    """Return the container of a pod that the work is done in."""
    containers: list[Json] = spec["containers"]
    return next((container for container in containers if container["name"] == WORKER), containers[0])
