"""Projects."""

from __future__ import annotations

from fastapi import APIRouter

from ..adapters.projects import Project as StoredProject
from ..convert import instant, timestamp_to_json
from ..documentation import failures
from ..schemas.project import NewProject, Project, ProjectPage
from .parameters import Gateway, Paging, ProjectId

router = APIRouter(prefix="/api/v1/projects", tags=["projects"])


@router.post("", status_code=201, responses=failures(400, 401, 409))
def create_project(body: NewProject, gateway: Gateway) -> Project:
    """Make a project; all other resources live in one."""
    return _schema(gateway.projects.create(body.project_id, body.display_name))


@router.get("", responses=failures(400, 401))
def list_projects(gateway: Gateway, paging: Paging) -> ProjectPage:
    """List projects by id."""
    projects, token = gateway.projects.list(paging.size, paging.token)
    return ProjectPage(items=[_schema(project) for project in projects], next_page_token=token)


@router.get("/{project_id}", responses=failures(401, 404))
def get_project(project_id: ProjectId, gateway: Gateway) -> Project:
    """Return one project."""
    return _schema(gateway.projects.get(project_id))


def _schema(project: StoredProject) -> Project:
    return Project(
        name=f"projects/{project.id}",
        display_name=project.display_name,
        create_time=timestamp_to_json(instant(project.create_time)),
    )
