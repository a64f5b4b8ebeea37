"""Models, versions and aliases: aliases live in MLflow's registry, versions also in a table of our own."""

from __future__ import annotations

import builtins
import hashlib
import json
from collections import defaultdict
from collections.abc import Mapping
from datetime import UTC
from typing import Any

import sqlalchemy as sa

from fairlead.api.trainer.v1.model_pb2 import Model, ModelVersion
from fairlead.kit.database import insert_new
from fairlead.kit.errors import Aborted, NotFound
from fairlead.kit.pagination import decode_token, encode_token, page_limit
from fairlead.kit.resources import parse_name

from .mlflow_aliases import MlflowAliases
from .schema import model_versions

MODEL_NAME = "projects/{project}/models/{model}"
VERSION_NAME = MODEL_NAME + "/versions/{version}"
ALIAS_NAME = MODEL_NAME + "/aliases/{alias}"
PROJECT_NAME = "projects/{project}"


class ModelTable:
    """The registry as callers see it."""

    def __init__(self, engine: sa.Engine, aliases: MlflowAliases) -> None:
        self._engine = engine
        self._aliases = aliases

    def add(self, version: ModelVersion, task: str) -> None:
        """Keep a version that was registered with MLflow; one that the same task registered before stays."""
        ids = parse_name(VERSION_NAME, version.name)
        row = {
            "project": ids["project"],
            "model": ids["model"],
            "version": int(ids["version"]),
            "task": task,
            "payload": version.SerializeToString(),
            "create_time": version.create_time.ToDatetime(tzinfo=UTC),
        }
        with self._engine.begin() as connection:
            insert_new(connection, model_versions, row)

    def of_task(self, task: str) -> ModelVersion | None:
        """Return the version that a task has already registered, if any."""
        rows = self._rows(model_versions.c.task == task)
        return self._version(rows[0]) if rows else None

    def model(self, name: str) -> Model:
        """Return one model. Raises NotFound."""
        ids = parse_name(MODEL_NAME, name)
        rows = self._rows(model_versions.c.project == ids["project"], model_versions.c.model == ids["model"])
        if not rows:
            raise _no_model(name)
        return self._model(rows, self._aliases.of_model(ids["project"], ids["model"]))

    def models(self, parent: str, page_size: int, page_token: str) -> tuple[list[Model], str]:
        """Return a page of a project's models by name, and the next page's token, "" at the end."""
        project = parse_name(PROJECT_NAME, parent)["project"]
        limit = page_limit(page_size)
        names = (
            sa.select(model_versions.c.model)
            .distinct()
            .where(model_versions.c.project == project, model_versions.c.model > decode_token(page_token))
            .order_by(model_versions.c.model)
            .limit(limit + 1)
        )
        with self._engine.connect() as connection:
            found = list(connection.scalars(names))
        page = found[:limit]
        by_model: dict[str, builtins.list[Any]] = defaultdict(list)
        for row in self._rows(model_versions.c.project == project, model_versions.c.model.in_(page)):
            by_model[row.model].append(row)
        aliases = self._aliases.of_project(project)
        token = encode_token(page[-1]) if len(found) > limit else ""
        return [self._model(by_model[name], aliases.get(name, {})) for name in page], token

    def version(self, name: str) -> ModelVersion:
        """Return a version by number, "latest" or alias. Raises NotFound."""
        if "/aliases/" in name:
            ids = parse_name(ALIAS_NAME, name)
            number = self._aliases.of_model(ids["project"], ids["model"]).get(ids["alias"])
            wanted = str(number) if number is not None else "none"
        else:
            ids = parse_name(VERSION_NAME, name)
            wanted = ids["version"]
        rows = self._rows(model_versions.c.project == ids["project"], model_versions.c.model == ids["model"])
        if not rows:
            raise _no_model(MODEL_NAME.format(project=ids["project"], model=ids["model"]))
        for row in reversed(rows):
            if wanted in ("latest", str(row.version)):
                return self._version(row)
        raise NotFound(f"there is no model version '{name}'; list the model's versions to see them", resource=name)

    def versions(self, parent: str, page_size: int, page_token: str) -> tuple[list[ModelVersion], str]:
        """Return a page of a model's versions, newest first, and the next page's token, "" at the end.

        Raises NotFound where there is no such model.
        """
        ids = parse_name(MODEL_NAME, parent)
        limit = page_limit(page_size)
        conditions = [model_versions.c.project == ids["project"], model_versions.c.model == ids["model"]]
        rows = list(reversed(self._rows(*conditions)))
        if not rows:
            raise _no_model(parent)
        if before := decode_token(page_token):
            rows = [row for row in rows if str(row.version).zfill(12) < before]
        token = encode_token(str(rows[limit - 1].version).zfill(12)) if len(rows) > limit else ""
        return [self._version(row) for row in rows[:limit]], token

    def set_alias(self, name: str, alias: str, version: int, etag: str = "") -> Model:
        """Point an alias at a version and return the model. Raises NotFound, Aborted for a stale etag of the model."""
        self.version(f"{name}/versions/{version}")
        ids = parse_name(MODEL_NAME, name)
        with self._aliases.alone():
            if etag and etag != self.model(name).etag:
                raise Aborted(f"'{name}' was changed meanwhile; get it again and repeat", resource=name)
            self._aliases.set(ids["project"], ids["model"], alias, version)
        return self.model(name)

    def _rows(self, *conditions: Any) -> builtins.list[Any]:
        query = sa.select(model_versions).where(*conditions).order_by(model_versions.c.model, model_versions.c.version)
        with self._engine.connect() as connection:
            return builtins.list(connection.execute(query).all())

    def _version(self, row: Any) -> ModelVersion:
        version = ModelVersion.FromString(row.payload)
        aliases = self._aliases.of_model(row.project, row.model)
        version.aliases.extend(sorted(alias for alias, number in aliases.items() if number == row.version))
        return version

    @staticmethod
    def _model(rows: builtins.list[Any], aliases: Mapping[str, int]) -> Model:
        last = rows[-1]
        model = Model(
            name=MODEL_NAME.format(project=last.project, model=last.model),
            latest_version=last.version,
            aliases=dict(aliases),
        )
        state = json.dumps([last.version, sorted(aliases.items())])
        model.etag = hashlib.sha256(state.encode()).hexdigest()[:16]
        model.create_time.FromDatetime(rows[0].create_time)
        model.update_time.FromDatetime(last.create_time)
        return model


def _no_model(name: str) -> NotFound:
    return NotFound(f"there is no model '{name}'; export a run to make it", resource=name)
