"""RFC 9457 problem documents."""

from __future__ import annotations

from pydantic import Field

from .base import Schema


class Violation(Schema):
    """One field of the request that is wrong."""

    field: str = Field(description="The field, such as rows[3].age.", examples=["dataset_id"])
    description: str = Field(
        description="What is wrong with it.", examples=["must be lowercase letters, digits and hyphens"]
    )


class Problem(Schema):
    """What went wrong, as RFC 9457 puts it."""

    type: str = Field(description="Names the kind of problem.", examples=["urn:fairlead:problem:invalid-argument"])
    title: str = Field(description="The kind of problem for people.", examples=["Invalid argument"])
    status: int = Field(description="The HTTP status.", examples=[400])
    detail: str = Field(
        description="What is wrong here, and what to do.", examples=["dataset_id 'Adult' must be lowercase letters"]
    )
    instance: str = Field(description="The path that was called.", examples=["/api/v1/projects/default/datasets"])
    request_id: str = Field(description="Finds this call in the logs.", examples=["0198c7b4f1a27d5c8d1e2f3a4b5c6d7e"])
    code: str = Field(description="The canonical error code.", examples=["INVALID_ARGUMENT"])
    errors: list[Violation] = Field(default_factory=list, description="The fields that are wrong.")
