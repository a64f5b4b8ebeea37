"""Puts together what predicting one file takes."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
from google.protobuf import json_format

from fairlead.api.drift.v1 import reference_pb2
from fairlead.kit.blobs import BlobStore
from fairlead.kit.errors import NotFound

from ...domain.batch_prediction.parts import Plan
from ...domain.batch_prediction.values import MissingTexts, missing_texts
from ...domain.models.model import Model, ModelSource
from ...domain.models.schema import Schema
from ...domain.traffic.deployment import REFERENCE_FILE
from .assembly import ParquetAssembly, RejectedFile, TextAssembly
from .block_predictor import BlockPredictor
from .delimited_source import DelimitedSource
from .json_lines_source import JsonLinesSource
from .parquet_source import ParquetSource
from .part_folder import PartFolder
from .part_writer import WRITERS
from .predict_file import FilePrediction, Observer
from .source import Source

MOST_THREADS = 4


@dataclass(frozen=True)
class BatchLimits:
    """What a batch prediction may use: rows of one model call, bytes of a part, threads (0: the cores, at most 4).

    rejected_rows: how many rows may be left out before the task fails, where the request does not say.
    """

    batch_rows: int = 8192
    part_bytes: int = 8 * 1024 * 1024
    threads: int = 0
    rejected_rows: int = 10_000

    @property
    def workers(self) -> int:
        """Return the threads that work side by side."""
        return self.threads or min(_cores(), MOST_THREADS)


def plan_of(blob: str, kind: str, version: ModelSource, format: str, limits: BatchLimits) -> Plan:
    """Return everything that the parts' bytes depend on."""
    return Plan(
        source_blob=blob,
        kind=kind,
        model_version=version.model_version,
        package_blob=version.package_blob,
        format=format,
        part_bytes=limits.part_bytes,
        batch_rows=limits.batch_rows,
        writer=f"pyarrow {pa.__version__}",
    )


def _cores() -> int:
    """Return the cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


@contextmanager
def open_prediction(
    path: Path,
    plan: Plan,
    model: Model,
    parts: PartFolder,
    rejected: RejectedFile,
    observer: Observer,
    *,
    known: MissingTexts,
    threads: int,
    most_rejected: int,
) -> Iterator[FilePrediction]:
    """Yield the prediction of a file, ready to run. Raises InvalidArgument where its columns do not fit the model's."""
    source = open_source(path, plan, model.schema)
    for note in source.notes:
        observer.note(note)
    writer = WRITERS[plan.format](source.schema, model.schema)
    texts = None if source.kind == "parquet" else known
    predictor = BlockPredictor(
        source, model, writer, missing=texts, batch_rows=plan.batch_rows, most_rejected=most_rejected
    )
    assembly = ParquetAssembly(parts, writer.schema) if plan.format == "parquet" else TextAssembly(parts, writer.head)
    try:
        yield FilePrediction(plan, source, predictor, parts, assembly, rejected, observer, threads, most_rejected)
    finally:
        assembly.close()


def open_source(path: Path, plan: Plan, model: Schema) -> Source:
    """Return the file of a plan as a source. Raises InvalidArgument where its columns do not fit the model's."""
    if plan.kind == "parquet":
        return ParquetSource(path, model, block_bytes=plan.part_bytes)
    # Written as lines again, lines stay what they are.
    kind = JsonLinesSource if plan.kind == "jsonl" else DelimitedSource
    return kind(path, model, block_bytes=plan.part_bytes, whole_lines=plan.format == plan.kind)


def known_texts(blobs: BlobStore, package_blob: str) -> MissingTexts:
    """Return which words mean missing, given the texts that the package's reference has counted."""
    try:
        text = (blobs.fetch_folder(package_blob) / REFERENCE_FILE).read_text("utf-8")
    except (NotFound, FileNotFoundError):
        return missing_texts([])
    reference = json_format.Parse(text, reference_pb2.Reference(), ignore_unknown_fields=True)
    return missing_texts(
        (column.name, (*column.categories, *column.other_missing_words)) for column in reference.columns
    )
