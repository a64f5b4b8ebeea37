"""What a row looks like, in JSON Schema: for the Bento's own documentation of its API."""

from __future__ import annotations

from typing import Any

from .manifest import BOOLEAN, DATETIME, NUMBER, TEXT, Manifest

_TYPES: dict[str, dict[str, Any]] = {
    NUMBER: {"type": "number"},
    BOOLEAN: {"type": "boolean"},
    TEXT: {"type": "string"},
    DATETIME: {"type": "string", "format": "date-time"},
}


def row_schema(manifest: Manifest) -> dict[str, Any]:
    """Return the schema of a row: every column the model reads, each of which may be null."""
    return {
        "type": "object",
        "title": "Row",
        "properties": {column.name: {**_TYPES[column.kind], "nullable": True} for column in manifest.columns},
        "required": [column.name for column in manifest.columns],
    }
