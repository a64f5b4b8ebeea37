"""Sending a file: a large one by a link straight to the object store, where the gateway gives one."""

from __future__ import annotations

import hashlib
from pathlib import Path

import httpx

from fairlead.client.errors import ApiError
from fairlead.client.transport import Json, Transport

LINK_BYTES = 64 * 1024 * 1024
# "I give no links", "not for this size", "I don't know this call": a gateway without links takes the file itself.
REFUSALS = frozenset({400, 404, 405})


def send_file(
    transport: Transport,
    datasets: str,
    file: Path,
    dataset_id: str,
    sheet: str | None = None,
    link_from: int = LINK_BYTES,
) -> Json:
    """Upload a file to a project's datasets and return the task that imports it.

    A file of more than `link_from` bytes goes by a link where there is one and it works from here, else through the
    gateway. Raises ApiError, OSError.
    """
    given = {"dataset_id": dataset_id, "file_name": file.name, "sheet": sheet}
    if file.stat().st_size > link_from:
        declared = {"size": file.stat().st_size, "sha256": _sha256_of(file)}
        if _sent_by_link(transport, datasets, file, declared):
            return transport.call("POST", f"{datasets}:import", json={**given, **declared})
    return transport.upload(datasets, file, **given)


def send_bare_file(transport: Transport, datasets: str, files: str, file: Path, link_from: int = LINK_BYTES) -> str:
    """Upload a file that becomes no dataset, and return the SHA-256 that it is known by.

    A file of more than `link_from` bytes goes by a link where there is one, as those of datasets do. Raises ApiError,
    OSError.
    """
    if file.stat().st_size > link_from:
        declared = {"size": file.stat().st_size, "sha256": _sha256_of(file)}
        if _sent_by_link(transport, datasets, file, declared):
            return str(declared["sha256"])
    return str(transport.upload(files, file)["sha256"])


def _sent_by_link(transport: Transport, datasets: str, file: Path, declared: Json) -> bool:
    try:
        link = transport.call("POST", f"{datasets}:uploadLink", json=declared)
    except ApiError as error:
        if error.status in REFUSALS:
            return False
        raise
    try:
        return transport.send_by_link(link, file)
    except httpx.TransportError:
        return False  # the object store can't be reached from here


def _sha256_of(file: Path) -> str:
    with file.open("rb") as source:
        return hashlib.file_digest(source, "sha256").hexdigest()
