"""The projects, in SQL."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

from sqlalchemy import Engine, insert, select
from sqlalchemy.exc import IntegrityError

from fairlead.kit.errors import AlreadyExists, NotFound
from fairlead.kit.pagination import decode_token, encode_token, page_limit
from fairlead.kit.resources import require_id

from .schema import projects

DEFAULT = "default"


@dataclass(frozen=True)
class Project:
    """One project."""

    id: str
    display_name: str
    create_time: datetime


class ProjectStore:
    """Keeps projects; "default" is always there."""

    def __init__(self, engine: Engine, clock: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        self._engine = engine
        self._clock = clock
        # Projects are never removed, so one seen once need not be looked up again on every call.
        self._known: set[str] = set()
        self._ensure_default()

    def create(self, project_id: str, display_name: str) -> Project:
        """Make a project. Raises InvalidArgument for a bad id, AlreadyExists."""
        project = Project(require_id(project_id, "project_id"), display_name or project_id, self._clock())
        try:
            with self._engine.begin() as connection:
                connection.execute(insert(projects).values(vars(project)))
        except IntegrityError:
            name = f"projects/{project_id}"
            raise AlreadyExists(f"{name} already exists; choose another project_id", resource=name) from None
        return project

    def get(self, project_id: str) -> Project:
        """Return one project. Raises NotFound."""
        with self._engine.connect() as connection:
            row = connection.execute(select(projects).where(projects.c.id == project_id)).one_or_none()
        if row is None:
            name = f"projects/{project_id}"
            raise NotFound(f"there is no project '{project_id}'; GET /api/v1/projects lists them", resource=name)
        self._known.add(project_id)
        return Project(**row._mapping)

    def knows(self, project_id: str) -> bool:
        """Return True for a project that was seen before, without asking the database."""
        return project_id in self._known

    def list(self, page_size: int, page_token: str) -> tuple[list[Project], str]:
        """Return a page of projects by id, and the next page's token. Raises InvalidArgument."""
        limit = page_limit(page_size)
        query = select(projects).where(projects.c.id > decode_token(page_token)).order_by(projects.c.id)
        with self._engine.connect() as connection:
            rows = connection.execute(query.limit(limit + 1)).all()
        found = [Project(**row._mapping) for row in rows[:limit]]
        return found, encode_token(found[-1].id) if len(rows) > limit else ""

    def _ensure_default(self) -> None:
        try:
            self.get(DEFAULT)
        except NotFound:
            try:
                self.create(DEFAULT, "Default")
            except AlreadyExists:
                # Another replica of the gateway made it meanwhile, which is as good.
                return
