"""Putting the gateway together from its settings."""

from __future__ import annotations

import secrets

from fairlead.kit import backends
from fairlead.kit.auth import token_for, verifier
from fairlead.kit.database import migrate
from fairlead.kit.rpc.certificates import certificates
from fairlead.kit.rpc.channel import DNS, PATIENCE_SECONDS

from .adapters.audit import AuditTrail
from .adapters.changes import TaskChanges
from .adapters.projection import TaskProjection
from .adapters.projects import ProjectStore
from .adapters.schema import MIGRATIONS
from .adapters.services import Services
from .adapters.serving.endpoints import endpoints_of, name_of
from .adapters.serving.relay import Relay
from .adapters.task_directory import TaskDirectory
from .adapters.task_stream import TaskStream
from .adapters.task_view import TaskView
from .domain.sessions import Sessions
from .parts import Parts
from .settings import GatewaySettings


def compose(settings: GatewaySettings) -> Parts:
    """Return the parts, stores opened and tables up to date; nothing runs yet."""
    engine = backends.database(settings)
    migrate(engine, MIGRATIONS)
    events = backends.event_log(settings)
    projects = ProjectStore(engine)
    services = Services(settings)
    changes = TaskChanges()
    view = TaskView(engine)
    return Parts(
        settings=settings,
        verifier=verifier(settings),
        sessions=Sessions(session_keys(settings)),
        events=events,
        blobs=backends.blob_store(settings),
        projects=projects,
        services=services,
        changes=changes,
        projection=TaskProjection(engine, events, changes.announce, settings.gateway_task_history_days),
        tasks=view,
        directory=TaskDirectory(view, services),
        stream=TaskStream(view, changes, events, settings.gateway_heartbeat_seconds),
        relay=Relay(
            endpoints_of(settings.serving_endpoints),
            token_for(settings, "serving"),
            settings.gateway_timeout_seconds,
            patience=PATIENCE_SECONDS if settings.serving_endpoints.startswith(DNS) else 0.0,
            certificates=certificates(settings),
            name=name_of(settings.serving_endpoints),
        ),
        audit=AuditTrail(events),
    )


def session_keys(settings: GatewaySettings) -> tuple[str, ...]:
    """Return what browsers' sessions are signed with: other keys as soon as the admin's token is another.

    Without a secret that services share, a key that is this process's own.
    """
    shared = settings.service_token.get_secret_value(), settings.service_token_other.get_secret_value()
    return tuple(f"{secret}.{settings.admin_token_sha256}" for secret in shared if secret) or (secrets.token_hex(64),)
