"""Registering model versions with MLflow, from the child process that exports."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .tracking import TASK_TAG

CHAMPION, CHALLENGER = "champion", "challenger"


def register_version(client: Any, model: str, source: str, run_id: str, tags: Mapping[str, str]) -> int:
    """Return the number of the version made of a package; a version of the same task is not made twice."""
    from mlflow.exceptions import MlflowException

    try:
        client.create_registered_model(model)
    except MlflowException as error:
        if error.error_code != "RESOURCE_ALREADY_EXISTS":
            raise
    for known in client.search_model_versions(f"name = '{model}'"):
        if known.tags.get(TASK_TAG) == tags[TASK_TAG]:
            return int(known.version)
    made = client.create_model_version(model, source, run_id=run_id, tags=dict(tags), await_creation_for=0)
    return int(made.version)


def assign_alias(client: Any, model: str, version: int) -> str:
    """Give a new version the alias that is its due and return it: champion where there is none, else challenger.

    The champion is never replaced here: that is for a person, or a policy, to decide.
    """
    aliases = client.get_registered_model(model).aliases
    alias = CHAMPION if int(aliases.get(CHAMPION, version)) == version else CHALLENGER
    client.set_registered_model_alias(model, alias, str(version))
    return alias
