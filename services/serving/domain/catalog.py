"""The models a worker holds, by deployment name. A lookup of a loaded model takes no lock."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from concurrent.futures import TimeoutError as FutureTimeout
from dataclasses import dataclass
from threading import Lock

from fairlead.kit.errors import FairleadError, Internal, NotFound, Unavailable

from .deployment import Deployment, State
from .model import Model


@dataclass(frozen=True)
class Status:
    """Where a deployment stands, and why it failed when it did."""

    state: State
    error: str = ""


class Catalog:
    """Holds a model per deployment, loads it on first use, and swaps it at once."""

    def __init__(self, load: Callable[[Deployment], Model], *, loaders: int = 1) -> None:
        """Load with the given function, at most so many at a time."""
        self._load = load
        self._pool = ThreadPoolExecutor(loaders, thread_name_prefix="load")
        self._lock = Lock()
        self._deployments: dict[str, Deployment] = {}
        self._models: dict[str, Model] = {}
        self._loading: dict[str, Future[Model]] = {}

    def load(self, deployment: Deployment) -> Model:
        """Return the deployment's model, warmed up, without serving it yet. Raises what the loader raises."""
        return self._load(deployment)

    def put(self, deployment: Deployment, model: Model) -> None:
        """Serve this model under the deployment's name from now on; calls under way end with the one they had."""
        with self._lock:
            self._deployments[deployment.name] = deployment
            self._loading.pop(deployment.name, None)
            self._models[deployment.name] = model

    def remember(self, deployments: Iterable[Deployment]) -> None:
        """Load these in the background; a call for one of them waits for it."""
        for deployment in deployments:
            with self._lock:
                self._deployments[deployment.name] = deployment
                self._begin(deployment)

    def remove(self, name: str) -> None:
        """Serve this deployment no more."""
        with self._lock:
            self._deployments.pop(name, None)
            self._loading.pop(name, None)
            self._models.pop(name, None)

    def peek(self, name: str) -> Model | None:
        """Return the model if it is loaded."""
        return self._models.get(name)

    def get(self, name: str, timeout: float = 60.0) -> Model:
        """Return the model, waiting for it to be loaded; one whose loading failed is tried again.

        Raises NotFound, the loader's own error, or Unavailable once the timeout is over.
        """
        model = self._models.get(name)
        if model is not None:
            return model
        with self._lock:
            deployment = self._deployments.get(name)
            if deployment is None:
                raise NotFound(f"there is no deployment '{name}'", resource=name)
            loading = self._loading.get(name)
            if loading is None or (loading.done() and loading.exception() is not None):
                loading = self._begin(deployment)
        try:
            return loading.result(timeout)
        except FutureTimeout:
            raise Unavailable(f"'{name}' is still loading its model; try again in a moment", retry_after=2.0) from None

    def status(self, name: str) -> Status:
        """Return whether the deployment answers."""
        if name in self._models:
            return Status(State.READY)
        loading = self._loading.get(name)
        if loading is None or not loading.done():
            return Status(State.LOADING)
        error = loading.exception()
        if error is None:
            return Status(State.READY)
        return Status(State.FAILED, error.message if isinstance(error, FairleadError) else "the model can't be loaded")

    def deployments(self) -> list[Deployment]:
        """Return what is served, by name."""
        with self._lock:
            return [self._deployments[name] for name in sorted(self._deployments)]

    def knows(self, name: str) -> bool:
        """Return whether there is such a deployment."""
        return name in self._deployments

    def find(self, name: str) -> Deployment:
        """Return one deployment. Raises NotFound."""
        deployment = self._deployments.get(name)
        if deployment is None:
            raise NotFound(f"there is no deployment '{name}'", resource=name)
        return deployment

    def close(self) -> None:
        """Begin no more loading, and wait for what is under way."""
        self._pool.shutdown(wait=True, cancel_futures=True)

    def _begin(self, deployment: Deployment) -> Future[Model]:
        loading = self._pool.submit(self._load_and_keep, deployment)
        self._loading[deployment.name] = loading
        return loading

    def _load_and_keep(self, deployment: Deployment) -> Model:
        try:
            model = self._load(deployment)
        except FairleadError:
            raise
        except Exception as error:
            raise Internal(f"the model {deployment.model_version} can't be loaded: {error}") from error
        with self._lock:
            # An update or a removal meanwhile wins over what was begun before it.
            if self._deployments.get(deployment.name) == deployment:
                self._models[deployment.name] = model
                self._loading.pop(deployment.name, None)
        return model
