"""Every REST route but inference: health, metadata, readiness, configuration, statistics and the repository."""

from __future__ import annotations

from typing import Any

from pydantic_core import from_json

from fairlead.kit.errors import InvalidArgument, NotFound, Unimplemented
from fairlead.kit.rpc import deadline

from ...domain.inference import Inference
from ...domain.repository import ModelRepository
from ...domain.server_info import NOT_OFFERED
from .http import Request, Response, json_response
from .model_views import index_entry, model_config, model_metadata, model_statistics, server_metadata

ELSEWHERE = frozenset(
    {
        "trace",
        "logging",
        "systemsharedmemory",
        "cudasharedmemory",
        "generate",
        "generate_stream",
        "infer_stream",
        "docs",
    }
)
"""Parts of other servers' surface that have no meaning here; clients are told so instead of "not found"."""


class ModelRoutes:
    """Answers by path; calls may block while a model loads."""

    def __init__(self, inference: Inference, server_version: str, load_seconds: float) -> None:
        self._repository = ModelRepository(inference.catalog, inference.book)
        self._server_version = server_version
        self._load_seconds = load_seconds

    def answer(self, request: Request) -> Response:
        """Return the response. Raises NotFound for another path, Unimplemented for what is not offered."""
        match (request.method, *request.path.strip("/").split("/")):
            case ("GET", "v2"):
                return json_response(server_metadata(self._server_version))
            case ("GET", "v2", "health", "live" | "ready" as what):
                return json_response({what: True})
            case ("GET", "v2", "models"):
                return json_response({"models": sorted({entry.name for entry in self._repository.index()})})
            case ("GET", "v2", "models", "stats"):
                return self._statistics("", "")
            case ("GET", "v2", "models", name, "versions", version, *rest) if not ELSEWHERE & set(rest):
                return self._about(name, version, rest, request)
            case ("GET", "v2", "models", name, *rest) if not ELSEWHERE & set(rest):
                return self._about(name, "", rest, request)
            case (_, "v2", "repository", *rest):
                return self._in_repository(rest, request)
            case (_, "v2", *rest) if ELSEWHERE & set(rest):
                raise Unimplemented(f"{request.path} {NOT_OFFERED}")
        raise _unknown(request)

    def _in_repository(self, rest: list[str], request: Request) -> Response:
        match (request.method, *rest):
            case ("POST" | "GET", "index"):
                ready_only = _body(request).get("ready") is True
                return json_response([index_entry(entry) for entry in self._repository.index(ready_only=ready_only)])
            case ("POST", "models", name, "load"):
                overrides = ["parameters"] if _body(request).get("parameters") else []
                self._repository.load(name, deadline.remaining(self._load_seconds), overrides)
                return json_response({})
            case ("POST", "models", name, "unload"):
                self._repository.unload(name)
                return json_response({})
        raise _unknown(request)

    def _about(self, name: str, version: str, rest: list[str], request: Request) -> Response:
        match rest:
            case ["ready"]:
                ready = self._repository.is_ready(name, version)
                if not ready:
                    # Raises where there is no such model.
                    self._repository.statistics(name, version)
                return json_response({"name": name, "ready": ready}, 200 if ready else 503)
            case ["stats"]:
                return self._statistics(name, version)
            case [] | ["config"]:
                found = self._repository.describe(name, version, deadline.remaining(self._load_seconds))
                return json_response(model_config(found) if rest else model_metadata(found))
        raise _unknown(request)

    def _statistics(self, name: str, version: str) -> Response:
        found = self._repository.statistics(name, version)
        return json_response({"model_stats": [model_statistics(entry) for entry in found]})


def _body(request: Request) -> dict[str, Any]:
    """Return the object that the body is; an empty one stands for an empty object. Raises InvalidArgument."""
    if not request.body.strip():
        return {}
    try:
        body = from_json(request.body)
    except ValueError as error:
        raise InvalidArgument(f"the request is not valid JSON: {error}") from None
    if not isinstance(body, dict):
        raise InvalidArgument("the request is no JSON object; send {} or nothing")
    return body


def _unknown(request: Request) -> NotFound:
    return NotFound(f"{request.method} {request.path} is not part of the Open Inference Protocol as served here")
