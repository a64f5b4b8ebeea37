"""The gateway's web application: its routers in the order they are asked, and what happens around every call."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib.metadata import version

from fastapi import FastAPI

from .documentation import openapi_of
from .middleware.access import AccessMiddleware
from .middleware.body_limit import BodyLimitMiddleware
from .middleware.calls import CallMiddleware
from .middleware.content_encoding import ContentEncodingMiddleware
from .parts import Parts
from .problems import add_problem_handlers
from .routes import (
    batch_predictions,
    datasets,
    deployments,
    experiments,
    inference,
    links,
    models,
    monitors,
    predictions,
    preparations,
    profiles,
    projects,
    repository,
    runs,
    sign_in,
    system,
    task_events,
    tasks,
    uploads,
    workflows,
)

ROUTERS = (
    predictions.router,
    batch_predictions.router,
    system.router,
    sign_in.router,
    projects.router,
    uploads.router,
    links.router,
    datasets.router,
    profiles.router,
    preparations.router,
    runs.router,
    models.router,
    workflows.router,
    deployments.router,
    experiments.router,
    monitors.router,
    tasks.router,
    task_events.router,
    # Before the models themselves, one of which "stats" would be.
    repository.router,
    inference.router,
)


def create_app(parts: Parts) -> FastAPI:
    """Return the application; its lifespan runs the projection of tasks and the streams of predictions."""

    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        parts.changes.attach(asyncio.get_running_loop())
        await parts.relay.open()
        parts.projection.start()
        yield
        await asyncio.to_thread(parts.projection.close)
        await parts.relay.close()

    app = FastAPI(
        title="Fairlead",
        version=version("fairlead"),
        lifespan=lifespan,
        docs_url=None,
        redoc_url=None,
        openapi_url=None,
        redirect_slashes=False,
        # The kit's spans and metrics, made in CallMiddleware, are those of all services.
        telemetry={"tracing": False, "metrics": False, "logs": False, "operation_spans": False},
    )
    app.state.parts = parts
    for router in ROUTERS:
        app.include_router(router)
    add_problem_handlers(app)
    # The last one added is the outermost.
    limit = parts.settings.gateway_body_limit_bytes
    app.add_middleware(ContentEncodingMiddleware, limit=limit)
    app.add_middleware(BodyLimitMiddleware, limit=limit)
    app.add_middleware(AccessMiddleware, verifier=parts.verifier, sessions=parts.sessions)
    app.add_middleware(CallMiddleware, audit=parts.audit, timeout_limit=parts.settings.gateway_timeout_limit_seconds)
    app.openapi = lambda: openapi_of(app)  # type: ignore[method-assign]
    return app
