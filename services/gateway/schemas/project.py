"""Projects."""

from __future__ import annotations

from pydantic import Field

from .base import Page, Request, Response


class Project(Response):
    """The unit of isolation in every resource name; "default" is always there."""

    name: str = Field(description="projects/{project}", examples=["projects/churn"])
    display_name: str = Field(description="A name for people.", examples=["Customer churn"])
    create_time: str | None = Field(description="When it was made.", examples=["2026-01-31T17:01:03.000Z"])


class ProjectPage(Page[Project]):
    """One page of projects."""


class NewProject(Request):
    """A project to make."""

    project_id: str = Field(description="Lowercase letters, digits and hyphens, at most 63.", examples=["churn"])
    display_name: str = Field("", description="A name for people.", examples=["Customer churn"])
