"""JSON Lines as rows: one object a line."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.json
from pydantic_core import from_json

from fairlead.kit.errors import InvalidArgument

from ...domain.batch_prediction.parts import Fault
from ...domain.models.schema import Kind, Schema
from ...domain.requests.columns import text_of
from .faults import SHOWN, Faults
from .inputs import require_inputs, text_schema
from .json_members import may_have_member
from .lines import are_objects, lines_of
from .result_columns import added_fields
from .source import Block, Rows
from .text_blocks import beginning_of, text_blocks

_MARK = b"\xef\xbb\xbf"
_TYPES = {Kind.NUMBER: pa.float64(), Kind.BOOLEAN: pa.bool_()}


class JsonLinesSource:
    """A file with a JSON object a line; a member that some lack is missing there."""

    kind = "jsonl"

    def __init__(self, path: Path, model: Schema, *, block_bytes: int, whole_lines: bool) -> None:
        """Learn the members from the first lines; with whole_lines the lines themselves are kept beside what is read.

        Raises InvalidArgument for a file that is empty or begins with something else, or where none of the first lines
        has a member that the model reads.
        """
        self._path = path
        self._block_bytes = block_bytes
        self.size = path.stat().st_size
        self._kinds = {column.name: column.kind for column in model.inputs}
        self._whole_lines = whole_lines
        sample, is_all = beginning_of(path, lambda text: b"\n" in text.lstrip())
        self._start = len(_MARK) if sample.startswith(_MARK) else 0
        objects = _objects_of(sample, ends=is_all)
        names = list(dict.fromkeys(name for each in objects for name in each))
        require_inputs(model, names)
        self._read = [*self._kinds] if whole_lines else names
        self._quick = self._quick_schema(objects)
        # Added to a line that has such a member already, they would make an object with the same name twice.
        self._added = {field.name for field in added_fields(model, names)} if whole_lines else set[str]()
        self.schema = text_schema(model, names)

    @property
    def notes(self) -> tuple[str, ...]:
        """Return how the file is read, one sentence each."""
        return (f"Read as JSON Lines, with {len(self.schema)} members in the first ones.",)

    def blocks(self, index: int, start: int) -> Iterator[Block]:
        """Yield blocks of whole lines."""
        return text_blocks(
            self._path,
            index,
            max(start, self._start),
            block_bytes=self._block_bytes,
            end_of_records=lambda text: text.rfind(b"\n") + 1,
        )

    def read(self, block: Block, faults: Faults) -> Rows:
        """Return a block's rows; lines that are no objects are faults."""
        assert isinstance(block.data, bytes)
        rows = None if may_have_member(block.data, self._added) else self._read_quickly(block.data)
        return rows or self._read_by_line(block.data, faults)

    def _quick_schema(self, objects: list[dict[str, Any]]) -> pa.Schema | None:
        """Return types that most lines fit, or None where a member beside the model's is not always text."""
        types = {name: _TYPES.get(self._kinds[name], pa.string()) for name in self._kinds if name in self._read}
        for name in self._read:
            if name not in types:
                if not all(isinstance(each.get(name), str | None) for each in objects):
                    return None
                types[name] = pa.string()
        return pa.schema([(name, types[name]) for name in self._read])

    def _read_quickly(self, data: bytes) -> Rows | None:
        """Return the rows where all of them have the expected types, else None."""
        if self._quick is None or not data.strip():
            return None
        try:
            lines = lines_of(data)
            if not are_objects(lines):
                return None
            table = pyarrow.json.read_json(
                pa.BufferReader(data),
                pyarrow.json.ReadOptions(use_threads=False, block_size=min(len(data) + 1, 2**31 - 1)),
                pyarrow.json.ParseOptions(explicit_schema=self._quick, unexpected_field_behavior="ignore"),
            )
        except pa.ArrowInvalid:
            return None
        # More rows than lines are several objects in one.
        if table.num_rows != len(lines):
            return None
        return Rows(table.select(self._read), len(lines), lines=lines if self._whole_lines else None)

    def _read_by_line(self, data: bytes, faults: Faults) -> Rows:
        # By line feeds alone, as blocks are cut.
        lines = [line for line in data.split(b"\n") if line.strip()]
        objects: list[dict[str, Any]] = []
        places: list[int] = []
        for place, line in enumerate(lines):
            read = _object_of(line, place)
            if isinstance(read, dict) and (taken := self._added & read.keys()):
                read = Fault(place, min(taken), "has the name of a prediction but is in none of the first lines")
            if isinstance(read, Fault):
                faults.add(read)
                if faults.is_full:
                    raise faults.refusal(place + 1)
            else:
                objects.append(read)
                places.append(place)
        columns = {name: _column([each.get(name) for each in objects], self._kinds.get(name)) for name in self._read}
        kept = pa.array([lines[place].strip() for place in places], pa.string()) if self._whole_lines else None
        is_whole = len(places) == len(lines)
        return Rows(pa.table(columns), len(lines), None if is_whole else np.array(places, np.int64), kept)


def _objects_of(sample: bytes, *, ends: bool) -> list[dict[str, Any]]:
    """Return the objects of a file's first lines; the last line counts where the sample ends with the file."""
    lines = sample.removeprefix(_MARK).split(b"\n")
    lines = [line for line in (lines if ends else lines[:-1]) if line.strip()]
    if not lines and not ends:
        raise InvalidArgument(
            f"the first line is longer than {len(sample):,} bytes; send a file with a JSON object a line"
        )
    if not lines:
        raise InvalidArgument("the file is empty; send one with a JSON object a line")
    objects = [read for place, line in enumerate(lines) if isinstance(read := _object_of(line, place), dict)]
    if not objects:
        raise InvalidArgument(
            'none of the first lines is a JSON object; send lines such as {"age": 39}, or import the file as a dataset'
        )
    return objects


def _object_of(line: bytes, place: int) -> dict[str, Any] | Fault:
    try:
        value = from_json(line)
    except ValueError as error:
        return Fault(place, "", f"is not JSON: {error}", _shown(line))
    return value if isinstance(value, dict) else Fault(place, "", "is not a JSON object", _shown(line))


def _shown(line: bytes) -> str:
    return line[:SHOWN].decode("utf-8", "replace")


def _column(values: list[Any], kind: Kind | None) -> pa.Array:
    """Return values as the quick way reads them where that fits, else as texts."""
    try:
        return pa.array(values, _TYPES.get(kind, pa.string()) if kind else pa.string())
    except (pa.ArrowInvalid, pa.ArrowTypeError, TypeError):
        return pa.array([_spelled(value, kind) for value in values], pa.string())


def _spelled(value: Any, kind: Kind | None) -> str | None:
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, bool):
        return str(int(value)) if kind is Kind.NUMBER else str(value).lower()
    if isinstance(value, list | dict):
        return json.dumps(value, ensure_ascii=False)
    return text_of(value) if kind is Kind.TEXT else json.dumps(value)
