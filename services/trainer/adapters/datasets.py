"""Reading dataset versions, which the profiler owns."""

from __future__ import annotations

from typing import TYPE_CHECKING

import grpc

from fairlead.api.profiler.v1.dataset_pb2 import DatasetVersion
from fairlead.api.profiler.v1.dataset_service_pb2 import GetDatasetVersionRequest
from fairlead.api.profiler.v1.dataset_service_pb2_grpc import DatasetServiceStub
from fairlead.kit.blobs import BlobStore

if TYPE_CHECKING:
    import pyarrow as pa


class DatasetReader:
    """Looks versions up over gRPC and reads their Parquet from the blob store."""

    def __init__(self, channel: grpc.Channel, blobs: BlobStore) -> None:
        self._stub = DatasetServiceStub(channel)
        self._blobs = blobs

    def version(self, name: str) -> DatasetVersion:
        """Return what the profiler knows of a version. Raises NotFound."""
        return self._stub.GetDatasetVersion(GetDatasetVersionRequest(name=name)).dataset_version

    def read(self, version: DatasetVersion, max_rows: int, seed: int = 0) -> pa.Table:
        """Return the rows of a version in stored order, or a random sample of `max_rows` of a larger one."""
        import numpy as np
        import pyarrow.parquet as pq

        table = pq.read_table(self._blobs.fetch(version.parquet_blob))
        if table.num_rows <= max_rows:
            return table
        kept = np.random.default_rng(seed).choice(table.num_rows, size=max_rows, replace=False)
        return table.take(np.sort(kept))
