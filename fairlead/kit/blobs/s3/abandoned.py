"""Removing what killed writers left, once it is a day old."""

from __future__ import annotations

from contextlib import suppress
from datetime import UTC, datetime

from fairlead.kit.errors import FailedPrecondition, FairleadError, InvalidArgument, NotFound
from fairlead.kit.logging import get_logger

from ..keys import require_folder_key
from .errors import translated
from .folders import MARKER_ENDING, Folders
from .manifest import FOLDERS, folder_name
from .objects import Found, Objects
from .uploads import INCOMING

# Names that only this store writes; others may have begun uploads beside them.
OURS = (INCOMING, "sha256/", FOLDERS)

_log = get_logger("fairlead.blobs")


def remove_abandoned(objects: Objects, folders: Folders) -> bool:
    """Abort unfinished uploads, and remove incoming objects and generations that no manifest names; return if it could.

    Two calls where there are none. Raises FailedPrecondition where the bucket is absent or the keys are wrong, which
    who opens a store wants to know; what else S3 can't do now is logged and left for the next time.
    """
    try:
        _abort_uploads(objects)
        for found in objects.list(INCOMING):
            if _is_old(objects, found.modified):
                _remove(objects, folders, found)
    except (FailedPrecondition, InvalidArgument):
        raise
    except FairleadError as error:
        _log.warning("abandoned uploads were not removed", place=str(objects.place), why=error.message)
        return False
    return True


def _abort_uploads(objects: Objects) -> None:
    start = len(objects.place.prefix)
    with translated(objects.place):
        pages = objects.client.get_paginator("list_multipart_uploads").paginate(
            Bucket=objects.bucket, Prefix=objects.place.prefix
        )
        for page in pages:
            for upload in page.get("Uploads", ()):
                if upload["Key"][start:].startswith(OURS) and _is_old(objects, upload["Initiated"]):
                    objects.client.abort_multipart_upload(
                        Bucket=objects.bucket, Key=upload["Key"], UploadId=upload["UploadId"]
                    )


def _remove(objects: Objects, folders: Folders, found: Found) -> None:
    if found.name.endswith(MARKER_ENDING):
        with suppress(NotFound), objects.get(found.name)["Body"] as body:
            _remove_generations(objects, folders, body.read().decode("utf-8", "replace"))
    objects.delete([found.name])


def _remove_generations(objects: Objects, folders: Folders, key: str) -> None:
    try:
        require_folder_key(key)
    except InvalidArgument:
        return  # not a marker of ours
    kept = ""
    with suppress(NotFound):
        kept = folders.manifest(key).generation
    listed = list(objects.list(folder_name(key)))
    start = len(folder_name(key))
    objects.delete(
        found.name
        for found in listed
        if found.name[start:].partition("/")[0] != kept and _is_old(objects, found.modified)
    )


def _is_old(objects: Objects, time: datetime) -> bool:
    return time <= datetime.now(UTC) - objects.options.abandoned_after
