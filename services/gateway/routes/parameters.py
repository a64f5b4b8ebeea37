"""Parameters that many endpoints share."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

import anyio.to_thread
from fastapi import Depends, Header, Path, Query
from starlette.requests import HTTPConnection

from ..parts import Parts


# Dependencies are coroutines: a plain function costs each call a change of threads.
async def _parts(connection: HTTPConnection) -> Parts:
    parts: Parts = connection.app.state.parts
    return parts


Gateway = Annotated[Parts, Depends(_parts)]
TRACE = "traceparent"
"""Who sends this header follows the call through the services."""
ProjectId = Annotated[str, Path(description="The project's id.", examples=["default"])]


async def existing_project(project_id: ProjectId, gateway: Gateway) -> str:
    """Return projects/{project} of a project that is there. Raises NotFound."""
    if not gateway.projects.knows(project_id):
        await anyio.to_thread.run_sync(gateway.projects.get, project_id)
    return f"projects/{project_id}"


# projects/{project}, after seeing that it is there.
Project = Annotated[str, Depends(existing_project)]


@dataclass(frozen=True)
class PageChoice:
    """Which page of a list."""

    size: int
    token: str


async def _paging(
    page_size: Annotated[int, Query(ge=0, le=1000, description="Items a page; 0 means the default.")] = 0,
    page_token: Annotated[str, Query(description="next_page_token of the page before.")] = "",
) -> PageChoice:
    return PageChoice(page_size, page_token)


Paging = Annotated[PageChoice, Depends(_paging)]
IdempotencyKey = Annotated[
    str, Header(alias="Idempotency-Key", max_length=255, description="Makes the call safe to repeat.")
]
IfMatch = Annotated[str, Header(alias="If-Match", description="The etag that was seen; changes nothing else.")]


def etag_of(if_match: str) -> str:
    """Return the etag in an If-Match header, "" for none and for "*"."""
    return if_match.strip().removeprefix("W/").strip('"').replace("*", "")


def quoted(etag: str) -> str:
    """Return an etag as the ETag header has it."""
    return f'"{etag}"'
