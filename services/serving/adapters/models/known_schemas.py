"""Schemas of models that need not be in memory: their manifests are small, and are read without what computes."""

from __future__ import annotations

from collections.abc import Callable
from threading import Lock

from google.protobuf import json_format

from fairlead.api.trainer.v1 import model_pb2
from fairlead.kit.blobs import BlobStore
from fairlead.kit.errors import FairleadError

from ...domain.models.model import Model, ModelSource
from ...domain.models.schema import Schema
from .manifest import schema_of
from .package import MANIFEST

KEPT = 1000
"""The schemas of so many models out of memory are kept; a version's never changes."""


class KnownSchemas:
    """Implements the domain's Schemas. Safe to call from many threads."""

    def __init__(self, find: Callable[[str], Model | None], blobs: BlobStore) -> None:
        """find returns a version's model if it is in memory."""
        self._find = find
        self._blobs = blobs
        self._read: dict[str, Schema] = {}
        self._lock = Lock()

    def find(self, source: ModelSource) -> Schema | None:
        """Return a model's schema, None where its manifest can't be read now."""
        model = self._find(source.model_version)
        if model is not None:
            return model.schema
        schema = self._read.get(source.model_version)
        if schema is not None:
            return schema
        try:
            text = (self._blobs.fetch_folder(source.package_blob) / MANIFEST).read_text("utf-8")
            schema = schema_of(json_format.Parse(text, model_pb2.ModelManifest(), ignore_unknown_fields=True))
        except (FairleadError, OSError, ValueError, json_format.ParseError):
            return None
        with self._lock:
            while len(self._read) >= KEPT:
                del self._read[next(iter(self._read))]
            self._read[source.model_version] = schema
        return schema
