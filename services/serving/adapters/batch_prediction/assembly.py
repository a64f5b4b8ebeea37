"""The result of a batch prediction, put together from its parts in their order."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Protocol, Self

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet

from fairlead.kit.blobs import BlobStore, StoredBlob

from ...domain.batch_prediction.parts import Part
from .faults import read_faults
from .part_folder import PartFolder
from .texts import csv_header, csv_rows

_CHUNK_BYTES = 1 << 20
REJECTED_HEADER = ("row", "column", "reason", "value")


class Assembly(Protocol):
    """Takes the parts as they come, and stores the whole."""

    def add(self, part: Part) -> None:
        """Take the next part."""
        ...

    def store(self, blobs: BlobStore) -> StoredBlob:
        """Return the blob of the whole, after the last part."""
        ...

    def close(self) -> None:
        """Close what is open; safe to call twice."""
        ...


class TextAssembly:
    """Joins parts of text on their way into the blob store; nothing is written twice."""

    def __init__(self, folder: PartFolder, head: bytes) -> None:
        """Begin with the head."""
        self._folder = folder
        self._head = head
        self._parts = 0

    def add(self, part: Part) -> None:
        """Count the part; its file stays where it is."""
        self._parts = part.index + 1

    def store(self, blobs: BlobStore) -> StoredBlob:
        """Return the blob of all parts behind the head."""
        return blobs.put_stream(self._chunks())

    def close(self) -> None:
        """Nothing is open."""

    def _chunks(self) -> Iterator[bytes]:
        yield self._head
        for index in range(self._parts):
            with self._folder.file(index).open("rb") as file:
                yield from iter(lambda: file.read(_CHUNK_BYTES), b"")


class ParquetAssembly:
    """Writes each part as a row group while the next ones are predicted."""

    def __init__(self, folder: PartFolder, schema: pa.Schema) -> None:
        """Begin a file in the folder."""
        self._folder = folder
        self._path = folder.path / "result.parquet"
        self._writer = pyarrow.parquet.ParquetWriter(self._path, schema, compression="zstd", compression_level=1)

    def add(self, part: Part) -> None:
        """Write the part's rows."""
        with pa.OSFile(str(self._folder.file(part.index))) as file, pa.ipc.open_stream(file) as stream:
            table = stream.read_all()
        if table.num_rows:
            self._writer.write_table(table, row_group_size=table.num_rows)

    def store(self, blobs: BlobStore) -> StoredBlob:
        """Return the blob of the file."""
        self.close()
        return blobs.put_file(self._path)

    def close(self) -> None:
        """Write the footer."""
        self._writer.close()


class RejectedFile:
    """A CSV file of what was left out: the row's number in the file from 1, the column, the reason and the value."""

    def __init__(self, path: Path) -> None:
        """Begin the file."""
        self._path = path
        self._file: BinaryIO | None = None
        self.rows = 0

    def __enter__(self) -> Self:
        self._file = self._path.open("wb")
        self._file.write(csv_header(REJECTED_HEADER))
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._file is not None:
            self._file.close()

    def add(self, folder: PartFolder, part: Part, records_before: int) -> None:
        """Write a part's faults, as they lie in its folder."""
        assert self._file is not None, "it is not open"
        self.rows += part.rejected
        if not part.faults_sha256:
            return
        for faults in read_faults(folder.faults_file(part.index)):
            rows = pc.add(faults.column("record"), records_before + 1)
            values = pc.utf8_rtrim(faults.column("value"), "\r\n")
            self._file.write(csv_rows([rows, faults.column("column"), faults.column("reason"), values]))

    def store(self, blobs: BlobStore) -> str:
        """Return the key of the file's blob, "" where nothing was left out."""
        assert self._file is not None, "it is not open"
        self._file.flush()
        return blobs.put_file(self._path).key if self.rows else ""
