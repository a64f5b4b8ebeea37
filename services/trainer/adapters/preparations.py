"""Where preparations are kept."""

from __future__ import annotations

from datetime import UTC

import sqlalchemy as sa

from fairlead.api.trainer.v1.preparation_pb2 import Preparation
from fairlead.kit.database import upsert
from fairlead.kit.errors import NotFound
from fairlead.kit.resources import parse_name

from .schema import preparations

PREPARATION_NAME = "projects/{project}/preparations/{preparation}"


class PreparationTable:
    """Preparations by name."""

    def __init__(self, engine: sa.Engine) -> None:
        self._engine = engine

    def put(self, preparation: Preparation) -> None:
        """Keep a preparation, in place of the one of the same name (an earlier attempt's)."""
        ids = parse_name(PREPARATION_NAME, preparation.name)
        row = {
            "id": ids["preparation"],
            "project": ids["project"],
            "payload": preparation.SerializeToString(),
            "create_time": preparation.create_time.ToDatetime(tzinfo=UTC),
        }
        with self._engine.begin() as connection:
            upsert(connection, preparations, row)

    def get(self, name: str) -> Preparation:
        """Return a preparation. Raises NotFound, also for one of another project."""
        ids = parse_name(PREPARATION_NAME, name)
        query = sa.select(preparations.c.payload).where(
            preparations.c.id == ids["preparation"], preparations.c.project == ids["project"]
        )
        with self._engine.connect() as connection:
            payload = connection.scalar(query)
        if payload is None:
            raise NotFound(f"there is no preparation '{name}'; create one first", resource=name)
        return Preparation.FromString(payload)
