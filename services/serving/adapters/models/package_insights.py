"""What a package holds beside the model: explain.npz and explain.onnx, and calibration.npz."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path
from typing import Protocol, TypeVar

import numpy as np

from fairlead.kit.errors import FailedPrecondition, FairleadError, NotFound

from ...domain.insights.conformal import Calibration
from ...domain.models.schema import Schema
from .package_explainer import PackageExplainer

SCORES = "explain.npz"
FEATURES = "explain.onnx"
CALIBRATION = "calibration.npz"

Opened = TypeVar("Opened")


class CountIn(Protocol):
    """Counts the memory of what a model opens later on."""

    def __call__(self, version: str, make: Callable[[], Opened], /) -> Opened:
        """Return what make() makes, counted as the model's. Raises what make() raises."""


def uncounted(version: str, make: Callable[[], Opened], /) -> Opened:  # noqa: ARG001
    """Return what make() makes, where nobody bounds the memory."""
    return make()


class PackageInsights:
    """Opens a package's files at the first request that needs them, once however many wait. See domain/insights.py."""

    def __init__(
        self,
        folder: Callable[[], Path],
        version: str,
        schema: Schema,
        *,
        reason: str = "",
        count_in: CountIn = uncounted,
    ) -> None:
        """folder returns the package's folder when it is needed; reason says why the model has no contributions."""
        self._count_in = count_in
        self._folder = folder
        self._version = version
        self._schema = schema
        self._reason = reason
        self._lock = threading.Lock()
        self._explainer: PackageExplainer | None = None
        self._calibration: Calibration | None = None

    def explainer(self) -> PackageExplainer:
        """Return what explains the model. Raises FailedPrecondition, saying why, where nothing does."""
        if self._explainer is None:
            with self._lock:
                if self._explainer is None:
                    self._explainer = self._open(self._read_explainer)
        return self._explainer

    def calibration(self) -> Calibration:
        """Return the model's calibration. Raises FailedPrecondition where it has none."""
        if self._calibration is None:
            with self._lock:
                if self._calibration is None:
                    self._calibration = self._open(self._read_calibration)
        return self._calibration

    def _open(self, read: Callable[[Path], Opened]) -> Opened:
        try:
            folder = self._folder()
            return self._count_in(self._version, lambda: read(folder))
        except NotFound as error:
            message = f"the package of {self._version} is not in the blob store any more"
            raise FailedPrecondition(message, resource=self._version) from error
        except FairleadError:
            raise
        except Exception as error:
            raise FailedPrecondition(
                f"the package of {self._version} is broken: {error}; export the model again", resource=self._version
            ) from error

    def _read_explainer(self, folder: Path) -> PackageExplainer:
        if self._reason:
            raise FailedPrecondition(f"{self._version} is {self._reason}", resource=self._version)
        self._require(folder / SCORES, "contributions of its columns")
        return PackageExplainer(folder / SCORES, folder / FEATURES, self._schema)

    def _read_calibration(self, folder: Path) -> Calibration:
        self._require(folder / CALIBRATION, "calibration, so it can answer no interval")
        with np.load(folder / CALIBRATION, allow_pickle=False) as stored:
            return Calibration(int(stored["count"]), stored["ranks"], stored["scores"])

    def _require(self, path: Path, what: str) -> None:
        if not path.is_file():
            raise FailedPrecondition(
                f"{self._version} has no {what}: its package was made before there were any; export its run again",
                resource=self._version,
            )
