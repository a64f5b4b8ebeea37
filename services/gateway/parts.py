"""What the routes work with, put together by the composition root."""

from __future__ import annotations

from dataclasses import dataclass

from fairlead.kit.auth import TokenVerifier
from fairlead.kit.blobs import BlobStore
from fairlead.kit.events import EventLog

from .adapters.audit import AuditTrail
from .adapters.changes import TaskChanges
from .adapters.projection import TaskProjection
from .adapters.projects import ProjectStore
from .adapters.services import Services
from .adapters.serving.relay import Relay
from .adapters.task_directory import TaskDirectory
from .adapters.task_stream import TaskStream
from .adapters.task_view import TaskView
from .domain.sessions import Sessions
from .settings import GatewaySettings


@dataclass(frozen=True)
class Parts:
    """Everything behind the REST API."""

    settings: GatewaySettings
    verifier: TokenVerifier
    sessions: Sessions
    events: EventLog
    blobs: BlobStore
    projects: ProjectStore
    services: Services
    changes: TaskChanges
    projection: TaskProjection
    tasks: TaskView
    directory: TaskDirectory
    stream: TaskStream
    relay: Relay
    audit: AuditTrail
