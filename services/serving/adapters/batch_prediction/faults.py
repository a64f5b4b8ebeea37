"""What is left out of a block, kept as columns: an object a fault would take more memory than the block itself."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from ...domain.batch_prediction.parts import FAULTS_TOLD, Fault
from ...domain.requests.columns import Array

SHOWN = 200
"""How many signs of a value are told."""
_WORD = pa.dictionary(pa.int32(), pa.string())
_SCHEMA = pa.schema([("record", pa.int64()), ("column", _WORD), ("reason", _WORD), ("value", pa.string())])
_HELD = 4096
_IPC = pa.ipc.IpcWriteOptions(compression="lz4", unify_dictionaries=True)


class TooManyFaultsError(Exception):
    """More records than the whole file may have were left out of one block; the rest of it was not looked at."""

    def __init__(self, rejected: int, records: int, first: tuple[Fault, ...]) -> None:
        """Keep how many of how many records were left out so far, and the first faults."""
        super().__init__(f"{rejected} of {records} records")
        self.rejected = rejected
        self.records = records
        self.first = first


class Faults:
    """Collects the faults of one block, up to the most that the file may have."""

    def __init__(self, most: int) -> None:
        """Take as many rejected records as this."""
        self.most = most
        self.rejected = 0
        self._held: list[Fault] = []
        self._tables: list[pa.Table] = []

    @property
    def is_full(self) -> bool:
        """Return whether more records were left out than the file may have."""
        return self.rejected > self.most

    def add(self, fault: Fault) -> None:
        """Leave out a record for one reason."""
        self.rejected += 1
        self._held.append(fault)
        if len(self._held) == _HELD:
            self._put_by()

    def add_cells(self, records: Array, column: str, reason: str, values: pa.Array) -> None:
        """Tell of cells of one column; whoever does says by reject() how many records they are in."""
        count = len(records)
        texts = [_same(column, count), _same(reason, count), pc.utf8_slice_codeunits(values, 0, SHOWN)]
        self._tables.append(pa.table([pa.array(records, pa.int64()), *texts], schema=_SCHEMA))

    def reject(self, records: int) -> None:
        """Leave out so many records, of whose cells was told."""
        self.rejected += records

    def refusal(self, records: int) -> TooManyFaultsError:
        """Return the error of a block that has more of them than the file may have, seen in its first records."""
        return TooManyFaultsError(self.rejected, records, self.first())

    def clear(self) -> None:
        """Forget all."""
        self.rejected = 0
        self._held.clear()
        self._tables.clear()

    def first(self) -> tuple[Fault, ...]:
        """Return the first faults in the order of their records."""
        rows = self._sorted().slice(0, FAULTS_TOLD).to_pylist()
        return tuple(Fault(row["record"], row["column"], row["reason"], row["value"] or "") for row in rows)

    def to_bytes(self) -> bytes:
        """Return all of them in the order of their records, for read_faults; b"" for none."""
        table = self._sorted()
        if not table.num_rows:
            return b""
        sink = pa.BufferOutputStream()
        with pa.ipc.new_stream(sink, _SCHEMA, options=_IPC) as stream:
            stream.write_table(table, max_chunksize=_HELD)
        written: bytes = sink.getvalue().to_pybytes()
        return written

    def _put_by(self) -> None:
        held, self._held = self._held, []
        columns = [
            pa.array([fault.record for fault in held], pa.int64()),
            pa.array([fault.column for fault in held], pa.string()).dictionary_encode(),
            pa.array([fault.reason for fault in held], pa.string()).dictionary_encode(),
            pa.array([fault.value[:SHOWN] for fault in held], pa.string()),
        ]
        self._tables.append(pa.table(columns, schema=_SCHEMA))

    def _sorted(self) -> pa.Table:
        if self._held:
            self._put_by()
        if not self._tables:
            return _SCHEMA.empty_table()
        table = pa.concat_tables(self._tables).unify_dictionaries().combine_chunks()
        self._tables = [table]
        records = table.column("record").to_numpy()
        # Stable: the cells of a record stay in the order of the model's columns.
        return table.take(pa.array(np.argsort(records, kind="stable")))


def read_faults(path: Path) -> Iterator[pa.RecordBatch]:
    """Yield what to_bytes returned, some thousand faults at a time."""
    with pa.OSFile(str(path)) as file, pa.ipc.open_stream(file) as stream:
        yield from stream


def _same(text: str, count: int) -> pa.DictionaryArray:
    return pa.DictionaryArray.from_arrays(pa.array(np.zeros(count, np.int32)), pa.array([text], pa.string()))
