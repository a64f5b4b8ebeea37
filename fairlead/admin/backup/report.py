"""What a backup holds, in figures."""

from __future__ import annotations

from typing import Any

from fairlead.admin.backup.manifest import Manifest
from fairlead.admin.backup.progress import show_bytes


def facts(manifest: Manifest) -> dict[str, Any]:
    """Return the figures by name."""
    return {
        "id": manifest.id,
        "fairlead": manifest.fairlead,
        "finished": manifest.finished,
        "databases": len(manifest.databases),
        "rows": sum(database.rows for database in manifest.databases),
        "events": sum(topic.events for topic in manifest.events.topics) + sum(item.events for item in manifest.waiting),
        "positions": len(manifest.events.groups),
        "blobs": manifest.blobs.blobs,
        "folders": manifest.blobs.folders,
        "missing_blobs": list(manifest.blobs.missing),
        "artifacts": manifest.artifacts.files,
        "files": len(manifest.files),
        "bytes": manifest.size,
    }


def sentence(manifest: Manifest) -> str:
    """Return the figures in one line."""
    found = facts(manifest)
    counted = ("rows", "databases", "events", "blobs", "folders", "artifacts", "files")
    return f"{', '.join(f'{found[name]:,} {name}' for name in counted)}; {show_bytes(found['bytes'])}"
