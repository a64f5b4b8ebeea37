"""Loads a model package from the blob store."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from google.protobuf import json_format

from fairlead.api.trainer.v1 import model_pb2
from fairlead.kit.blobs import BlobStore
from fairlead.kit.errors import FailedPrecondition, FairleadError, NotFound

from ...domain.models.model import Model, ModelSource, Runtime
from ...domain.models.schema import Schema
from ...domain.traffic.deployment import Deployment
from .manifest import schema_of
from .native_runtime import NativeRuntime
from .onnx_runtime import OnnxRuntime
from .package_insights import CountIn, PackageInsights, uncounted

MANIFEST = "manifest.json"
ONNX_MODEL = "model.onnx"
NATIVE_MODEL = "native/model.pkl"


@dataclass(frozen=True)
class FetchedPackage:
    """A package in a local folder."""

    source: ModelSource
    folder: Path


class PackageLoader:
    """Turns a model version's package into a model that is ready to predict. Safe to call from many threads."""

    def __init__(self, blobs: BlobStore, *, threads: int = 1) -> None:
        """Fetch packages from this store; threads compute one ONNX call."""
        self._blobs = blobs
        self._threads = threads
        self.count_in: CountIn = uncounted
        """Told of what models open after they were loaded, which takes memory as well."""

    def fetch(self, source: ModelSource) -> FetchedPackage:
        """Bring the version's package near, so that loading it reads local files.

        Raises FailedPrecondition where it is absent, Unavailable where the store is away.
        """
        try:
            return FetchedPackage(source, self._blobs.fetch_folder(source.package_blob))
        except NotFound as error:
            raise _absent(source.model_version) from error

    def load(self, fetched: FetchedPackage) -> Model:
        """Return the model of a package that was fetched, warmed up; the store is not asked again.

        Raises FailedPrecondition where the package is broken or disagrees with its manifest.
        """
        source = fetched.source
        try:
            if not fetched.folder.is_dir():
                # Another process has put it away meanwhile, to have room in the folder of copies.
                fetched = self.fetch(source)
            again = partial(self._blobs.fetch_folder, source.package_blob)
            return load_package(
                fetched.folder, source.model_version, threads=self._threads, again=again, count_in=self.count_in
            )
        except FairleadError:
            raise
        except Exception as error:
            version = source.model_version
            raise FailedPrecondition(f"the package of {version} can't be loaded: {error}", resource=version) from error

    def __call__(self, source: ModelSource | Deployment) -> Model:
        """Return the version's model, fetched and warmed up. Raises what fetch and load raise."""
        return self.load(self.fetch(ModelSource(source.model_version, source.package_blob)))


def _absent(version: str) -> FailedPrecondition:
    return FailedPrecondition(f"the package of {version} is not in the blob store", resource=version)


def load_package(
    folder: Path,
    version: str,
    *,
    threads: int = 1,
    again: Callable[[], Path] | None = None,
    count_in: CountIn = uncounted,
) -> Model:
    """Return the model of a package folder, warmed up.

    When more of it is read later, `again` returns the folder, and what is read is made by way of count_in.

    Raises OSError, json_format.ParseError, FairleadError or what the runtime raises for a broken package.
    """
    manifest = json_format.Parse(
        (folder / MANIFEST).read_text("utf-8"), model_pb2.ModelManifest(), ignore_unknown_fields=True
    )
    schema = schema_of(manifest)
    native = manifest.runtime == model_pb2.MODEL_RUNTIME_NATIVE
    path = folder / (NATIVE_MODEL if native else ONNX_MODEL)
    runtime = _runtime(path, schema, native, threads)
    insights = PackageInsights(
        again or (lambda: folder), version, schema, reason=manifest.explanation_reason, count_in=count_in
    )
    model = Model(version, schema, runtime, insights)
    # By the thread's own time: on a busy server most of the elapsed time may be others'.
    model.warm_up(time.thread_time, time.monotonic)
    return model


def _runtime(path: Path, schema: Schema, native: bool, threads: int) -> Runtime:
    return NativeRuntime(path, schema) if native else OnnxRuntime(path, schema, threads=threads)
