"""The OpenAPI document: what each endpoint takes, gives and fails with, with examples."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

from .middleware.access import COOKIE, OPEN_PATHS
from .problems import MEDIA_TYPE
from .schemas.base import Schema
from .schemas.problem import Problem

Document = dict[str, Any]

DESCRIPTION = """\
From a table to a served, watched model: profile, prepare, train, serve and monitor.

Every call but health needs `Authorization: Bearer TOKEN`. Long work is a **task**: a creating call answers 202 with the
task; follow it at `/api/v1/tasks/{task}/events` (SSE) or `/api/v1/ws/tasks/{task}` (WebSocket).
Failures are RFC 9457 problem documents with a `request_id`. Send `Idempotency-Key` to make a POST safe to repeat and
`X-Request-Timeout` (seconds) to bound a call.
"""
TAGS = (
    ("projects", "The unit of isolation in every resource name."),
    ("datasets", "Named tables that gain versions: upload, look, profile."),
    ("preparations", "Steps fitted on a dataset version."),
    ("runs", "Trainings, their leaderboards and exports."),
    ("models", "The model registry."),
    ("workflows", "The whole job, from dataset to registered model."),
    ("deployments", "Serve model versions: predict online and in batch, send feedback."),
    ("monitors", "Drift: monitors, reports, alerts."),
    ("tasks", "Long work: progress, logs, cancel, streams."),
    ("inference", "The Open Inference Protocol, version 2."),
    ("system", "Who calls, health, status, metrics."),
)
FAILURES = {
    400: ("INVALID_ARGUMENT", "Invalid argument", "The request is wrong; errors name the fields."),
    401: ("UNAUTHENTICATED", "Unauthenticated", "No valid token came with the call."),
    404: ("NOT_FOUND", "Not found", "There is no such resource."),
    409: ("ALREADY_EXISTS", "Already exists", "The name is taken, or the etag is stale."),
    413: ("RESOURCE_EXHAUSTED", "Content too large", "The body is over the limit."),
    503: ("UNAVAILABLE", "Unavailable", "A service that is needed can't be reached now; try again."),
}
TASK_MESSAGES = "One JSON object a message, as in the README of the gateway: TASK, LOG, STAGE_STATUS, TRAIN_PROGRESS."


def failures(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """Return what an endpoint may fail with, for its `responses`; "default" stands for all others."""
    listed: dict[int | str, dict[str, Any]] = {status: _failure(*FAILURES[status], status) for status in statuses}
    listed["default"] = _failure("INTERNAL", "Internal", "Any other failure.", 500)
    return listed


def body_of(model: type[Schema], *, required: bool = True) -> dict[str, Any]:
    """Return the `openapi_extra` of an endpoint that reads its JSON body by itself."""
    schema = model.model_json_schema()
    content = {"schema": _inlined(schema, schema.pop("$defs", {})), "example": model.example()}
    return {"requestBody": {"required": required, "content": {"application/json": content}}}


def _inlined(value: Any, definitions: dict[str, Any]) -> Any:
    if isinstance(value, list):
        return [_inlined(each, definitions) for each in value]
    if not isinstance(value, dict):
        return value
    if "$ref" in value:
        return _inlined(definitions[value["$ref"].rpartition("/")[2]], definitions)
    return {name: _inlined(each, definitions) for name, each in value.items()}


def binary(description: str, *media_types: str) -> dict[str, Any]:
    """Return the `responses` entry of an answer that is a file."""
    content = {
        media_type: {"schema": {"type": "string", "format": "binary"}, "example": "..."} for media_type in media_types
    }
    return {"description": description, "content": content}


def openapi_of(app: FastAPI) -> Document:
    """Return the OpenAPI document with security and with the schemas' examples at every body."""
    if app.openapi_schema is None:
        document = get_openapi(
            title=app.title, version=app.version, description=DESCRIPTION, routes=app.routes, openapi_version="3.1.0"
        )
        document["tags"] = [{"name": name, "description": text} for name, text in TAGS]
        components = document.setdefault("components", {})
        components["securitySchemes"] = {
            "token": {"type": "http", "scheme": "bearer"},
            "cookie": {"type": "apiKey", "in": "cookie", "name": COOKIE},
        }
        schemas = components.setdefault("schemas", {})
        schemas["Problem"] = Problem.model_json_schema(ref_template="#/components/schemas/{model}")
        schemas.update(schemas["Problem"].pop("$defs", {}))
        for path, operation in _operations(document):
            operation["security"] = [] if path in OPEN_PATHS else [{"token": []}, {"cookie": []}]
            for body in [operation.get("requestBody", {}), *operation["responses"].values()]:
                _add_examples(body.get("content", {}), schemas)
        app.openapi_schema = document
    return app.openapi_schema


def _operations(document: Document) -> Iterator[tuple[str, Document]]:
    for path, item in document["paths"].items():
        for operation in item.values():
            yield path, operation


def _add_examples(content: Document, schemas: Document) -> None:
    for media in content.values():
        schema = media.get("schema", {})
        example = _example_of(schema, schemas)
        if example is not None and "example" not in media:
            media["example"] = example


def _example_of(schema: Document, schemas: Document) -> Any:
    if schema.get("type") == "array":
        return [_example_of(schema["items"], schemas)]
    for each in (schema, *schema.get("anyOf", ())):
        if "$ref" in each:
            return schemas[each["$ref"].rsplit("/", 1)[-1]]["examples"][0]
    return None


def _failure(code: str, title: str, description: str, status: int) -> dict[str, Any]:
    example = {
        **Problem.example(),
        "type": f"urn:fairlead:problem:{code.lower().replace('_', '-')}",
        "title": title,
        "status": status,
        "code": code,
        "detail": description,
        "errors": Problem.example()["errors"] if status == 400 else [],
    }
    return {
        "description": description,
        "content": {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}, "example": example}},
    }
