"""ProjectService over gRPC."""

from __future__ import annotations

import grpc

from fairlead.api.gateway.v1.project_service_pb2 import (
    CreateProjectRequest,
    CreateProjectResponse,
    GetProjectRequest,
    GetProjectResponse,
    ListProjectsRequest,
    ListProjectsResponse,
    Project,
)
from fairlead.api.gateway.v1.project_service_pb2_grpc import ProjectServiceServicer
from fairlead.kit.resources import parse_name

from .adapters.projects import Project as StoredProject
from .adapters.projects import ProjectStore
from .convert import instant


class ProjectServicer(ProjectServiceServicer):
    """Answers with the projects of a store."""

    def __init__(self, projects: ProjectStore) -> None:
        self._projects = projects

    def CreateProject(self, request: CreateProjectRequest, context: grpc.ServicerContext) -> CreateProjectResponse:  # noqa: ARG002
        """Make a project."""
        return CreateProjectResponse(project=_message(self._projects.create(request.project_id, request.display_name)))

    def GetProject(self, request: GetProjectRequest, context: grpc.ServicerContext) -> GetProjectResponse:  # noqa: ARG002
        """Return one project."""
        project_id = parse_name("projects/{project}", request.name)["project"]
        return GetProjectResponse(project=_message(self._projects.get(project_id)))

    def ListProjects(self, request: ListProjectsRequest, context: grpc.ServicerContext) -> ListProjectsResponse:  # noqa: ARG002
        """Return projects by id."""
        projects, token = self._projects.list(request.page_size, request.page_token)
        return ListProjectsResponse(projects=[_message(each) for each in projects], next_page_token=token)


def _message(project: StoredProject) -> Project:
    return Project(
        name=f"projects/{project.id}",
        display_name=project.display_name,
        create_time=instant(project.create_time),
    )
