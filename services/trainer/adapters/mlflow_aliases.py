"""Aliases of registered models in MLflow.

They are read straight from MLflow's table, without importing MLflow, so that what people set in MLflow's own UI is
seen at once; they are written through MLflow's client alone.
"""

from __future__ import annotations

from collections import defaultdict
from contextlib import AbstractContextManager
from functools import cached_property
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from fairlead.kit.database import exclusive, open_database

from .mlflow_database import open_mlflow

# Whoever chooses an alias by what there is has it meanwhile.
REGISTRY_LOCK = "registry"
_aliases = sa.table("registered_model_aliases", sa.column("name"), sa.column("alias"), sa.column("version"))


class MlflowAliases:
    """Alias to version number of the registered models, which are named project.model."""

    def __init__(self, url: str) -> None:
        self._url = url

    def of_model(self, project: str, model: str) -> dict[str, int]:
        """Return a model's aliases."""
        return self._read(_aliases.c.name == f"{project}.{model}").get(model, {})

    def of_project(self, project: str) -> dict[str, dict[str, int]]:
        """Return the aliases of all models of a project, by model."""
        return self._read(_aliases.c.name.startswith(f"{project}.", autoescape=True))

    def set(self, project: str, model: str, alias: str, version: int) -> None:
        """Point an alias at a version. The first call of a process imports MLflow, which takes seconds."""
        self._client.set_registered_model_alias(f"{project}.{model}", alias, str(version))

    def alone(self) -> AbstractContextManager[None]:
        """Hold off every other process of ours that sets aliases, while what was read still holds."""
        self._client  # noqa: B018 - its import takes seconds, which others need not wait for
        return exclusive(self._url, REGISTRY_LOCK)

    @cached_property
    def _client(self) -> Any:
        return open_mlflow(self._url)

    @cached_property
    def _engine(self) -> sa.Engine:
        return open_database(self._url)

    def _exists(self) -> bool:
        """Whether MLflow has made its tables; opening a SQLite file that is missing would make an empty one."""
        parsed = sa.make_url(self._url)
        if parsed.get_backend_name() == "sqlite" and not Path(parsed.database or "").exists():
            return False
        return sa.inspect(self._engine).has_table("registered_model_aliases")

    def _read(self, condition: sa.ColumnElement[bool]) -> dict[str, dict[str, int]]:
        found: dict[str, dict[str, int]] = defaultdict(dict)
        if self._exists():
            with self._engine.connect() as connection:
                for name, alias, version in connection.execute(sa.select(_aliases).where(condition)):
                    found[name.partition(".")[2]][alias] = int(version)
        return found
