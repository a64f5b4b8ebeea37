"""Every REST route but inference: health, metadata, readiness, configuration, statistics and the repository."""

from __future__ import annotations

from fairlead.kit.errors import NotFound, Unimplemented

from ...domain.deployment import name_of_inference
from ...domain.inference import Inference
from ...domain.server_info import is_ready, repository_index
from .http import Request, Response, json_response
from .model_views import index_entry, model_config, model_metadata, model_statistics, server_metadata

# Parts of Triton's own surface that have no meaning here; clients are told so instead of "not found".
NOT_OFFERED = ("trace", "logging", "systemsharedmemory", "cudasharedmemory")


class ModelRoutes:
    """Answers by path; calls may block while a model loads."""

    def __init__(self, inference: Inference, server_version: str, load_seconds: float) -> None:
        self._inference = inference
        self._catalog = inference.catalog
        self._server_version = server_version
        self._load_seconds = load_seconds

    def answer(self, request: Request) -> Response:
        """Return the response. Raises NotFound for another path, Unimplemented for what is not offered."""
        match (request.method, *request.path.strip("/").split("/")):
            case ("GET", "v2"):
                return json_response(server_metadata(self._server_version))
            case ("GET", "v2", "health", "live" | "ready" as what):
                return json_response({what: True})
            case ("GET", "v2", "models", "stats"):
                return self._statistics("")
            case ("GET", "v2", "models", name, "versions", version, *rest):
                return self._about(name, version, rest, request)
            case ("GET", "v2", "models", name, *rest):
                return self._about(name, "", rest, request)
            case ("POST" | "GET", "v2", "repository", "index"):
                return json_response([index_entry(entry) for entry in repository_index(self._catalog)])
            case ("POST", "v2", "repository", "models", name, "load"):
                self._inference.model(name_of_inference(name), timeout=self._load_seconds)
                return json_response({})
            case ("POST", "v2", "repository", "models", _, "unload"):
                raise Unimplemented("a deployment stays loaded; delete it to stop serving it")
            case (_, "v2", *rest) if set(rest) & set(NOT_OFFERED):
                raise Unimplemented(f"{request.path} is not offered by this server")
        raise NotFound(f"{request.method} {request.path} is not part of the Open Inference Protocol as served here")

    def _about(self, name: str, version: str, rest: list[str], request: Request) -> Response:
        if rest == ["ready"]:
            ready = is_ready(self._catalog, name, version)
            if not ready:
                self._catalog.find(name_of_inference(name))
            return json_response({"name": name, "ready": ready}, 200 if ready else 503)
        if rest == ["stats"]:
            return self._statistics(name)
        if rest not in ([], ["config"]):
            raise NotFound(f"{request.path} is not part of the Open Inference Protocol as served here")
        model = self._inference.model(name_of_inference(name), version, self._load_seconds)
        return json_response(model_config(name, model) if rest else model_metadata(name, model))

    def _statistics(self, name: str) -> Response:
        found = [self._catalog.find(name_of_inference(name))] if name else self._catalog.deployments()
        entries = [
            model_statistics(
                deployment.inference_name,
                deployment.model_version.rpartition("/")[2],
                self._inference.book.of(deployment.name),
            )
            for deployment in found
        ]
        return json_response({"model_stats": entries})
