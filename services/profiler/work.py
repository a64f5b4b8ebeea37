"""The two long pieces of work: an import and a profile."""

from __future__ import annotations

import hashlib
import tempfile
from dataclasses import dataclass
from pathlib import Path

from google.protobuf.message import Message

from fairlead.api.profiler.v1 import dataset_pb2, dataset_service_pb2, profile_service_pb2
from fairlead.kit.blobs import BlobStore
from fairlead.kit.resources import parse_name
from fairlead.kit.tasks import TaskContext

from .adapters.catalog import Catalog, DatasetKey
from .adapters.duck import DuckLimits
from .adapters.statistics.table import profile_table
from .adapters.tables.reader import read_table
from .convert import profile_message, target_of, version_message
from .domain.advice.models import suggest_models
from .domain.advice.preparation import suggest_preparation
from .domain.advice.warnings import warn
from .domain.profiling.model import TableProfile
from .names import PROJECT, version_key


@dataclass(frozen=True)
class Workshop:
    """What the work needs."""

    catalog: Catalog
    blobs: BlobStore
    scratch: Path
    limits: DuckLimits
    sample_rows: int

    def import_dataset(self, context: TaskContext) -> Message:
        """Read the upload into a new version and return it; the same bytes again give the version there is."""
        request = context.request(dataset_service_pb2.ImportDatasetRequest)
        key = DatasetKey(parse_name(PROJECT, request.parent)["project"], request.dataset_id)
        source = self.blobs.fetch(request.source_blob)
        sha256 = _sha256(source)
        if same := self.catalog.same_content(key, sha256, request.sheet):
            version = dataset_pb2.DatasetVersion.FromString(same.message)
            message = f"The file is the same, byte for byte, as version {same.version}, so no new version was made."
            context.log("import.store", message, version=same.version)
            context.progress(1.0, "done", version.name)
            return version
        with tempfile.TemporaryDirectory(dir=self.scratch, prefix="import-") as folder:
            target = Path(folder) / "table.parquet"
            name = request.file_name or "the upload"
            table = read_table(source, name, target, context, sheet=request.sheet, limits=self.limits)
            context.progress(0.9, "store")
            stored = self.blobs.put_file(target)
            version = version_message(key, request.file_name, table)
            version.original_blob, version.original_bytes = request.source_blob, source.stat().st_size
            version.parquet_blob, version.parquet_bytes = stored.key, stored.size
            version.content_sha256 = sha256
        row = self.catalog.add_version(key, sha256, request.sheet, lambda number: _numbered(version, key, number))
        version = dataset_pb2.DatasetVersion.FromString(row.message)
        context.log(
            "import.store",
            f"Stored version {row.version} of '{key.dataset}': {version.original_bytes:,} bytes untouched, "
            f"{version.parquet_bytes:,} as Parquet.",
            version=row.version,
        )
        context.progress(1.0, "done", version.name)
        return version

    def profile(self, context: TaskContext) -> Message:
        """Profile a version, keep the profile and return it."""
        request = context.request(profile_service_pb2.CreateProfileRequest)
        key, number = version_key(request.parent)
        row = self.catalog.version(key, number)
        version = dataset_pb2.DatasetVersion.FromString(row.message)
        table = profile_table(
            self.blobs.fetch(version.parquet_blob), self.scratch, context, target=target_of(request.target),
            limits=self.limits, most_rows=self.sample_rows,
        )  # fmt: skip
        context.progress(0.85, "suggest")
        steps, models, warnings = suggest_preparation(table), suggest_models(table), warn(table)
        _tell(context, table)
        for warning in warnings:
            context.log("profile.warn", warning, level="WARNING")
        context.log("profile.suggest", f"Suggests {len(steps)} steps of preparation and {len(models)} model families.")
        profile = profile_message(f"{version.name}/profile", table, steps, models, warnings)
        self.catalog.save_profile(key, row.version, profile.SerializeToString())
        context.progress(1.0, "done", profile.name)
        return profile


def _tell(context: TaskContext, table: TableProfile) -> None:
    if table.associations:
        first = table.associations[0]
        pairs = f"{len(table.associations)} pairs of columns; the strongest is '{first.left}' with '{first.right}'"
        context.log("profile.correlations", f"Compared {pairs} ({first.method} {first.value:.2f}).")
    if table.target is None or table.task is None:
        return
    how = "was given"
    if table.guess is not None and table.guess.column == table.target.column and not table.target.condition:
        how = f"fits what the data says (confidence {table.guess.confidence:.2f}): {table.guess.reason}"
    message = f"The target '{table.target.column}' makes this {table.task.value.lower()}; it {how}"
    context.log("profile.target", message, target=table.target.column, task_type=table.task.value)


def _numbered(version: dataset_pb2.DatasetVersion, key: DatasetKey, number: int) -> bytes:
    version.name = f"{key.name}/versions/{number}"
    return version.SerializeToString(deterministic=True)


def _sha256(path: Path) -> str:
    with path.open("rb") as source:
        return hashlib.file_digest(source, "sha256").hexdigest()
