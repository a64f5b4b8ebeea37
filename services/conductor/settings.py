"""What the conductor can be told by environment variables."""

from __future__ import annotations

from typing import ClassVar

from pydantic import Field

from fairlead.kit.database import is_postgresql
from fairlead.kit.settings import KitSettings


class ConductorSettings(KitSettings):
    """Settings of the conductor."""

    service: ClassVar[str] = "conductor"

    conductor_workflow_url: str = Field(
        "",
        description="Database where the durable engine keeps its steps; empty: the schema `conductor_steps` where "
        "FAIRLEAD_DATABASE_URL is PostgreSQL, else SQLite below home.",
    )
    conductor_poll_seconds: float = Field(0.25, gt=0, description="Seconds between looks at a task under way.")
    conductor_patience_seconds: float = Field(
        600.0, gt=0, description="Seconds to wait for a service that is away before a stage fails."
    )
    conductor_review_days: float = Field(7.0, gt=0, description="Days that a review waits for a person.")

    @property
    def workflow_url(self) -> str:
        """Return where the durable engine keeps its steps."""
        if self.conductor_workflow_url:
            return self.conductor_workflow_url
        if is_postgresql(self.database_url):
            return self.database_url
        return f"sqlite:///{self.home}/conductor-steps.db"
