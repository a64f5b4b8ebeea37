"""Keys of blobs and folders: what is allowed, and what kind a key names."""

from __future__ import annotations

import re

from fairlead.kit.errors import InvalidArgument

MAX_KEY_LENGTH = 200

_BLOB = re.compile(r"sha256/([0-9a-f]{2})/\1[0-9a-f]{62}")
_SEGMENT = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.@+=-]*")


def blob_key(sha256: str) -> str:
    """Return the key of the content with this hash."""
    return f"sha256/{sha256[:2]}/{sha256}"


def is_blob_key(key: str) -> bool:
    """Return True for the key of a blob, False for that of a folder; raises InvalidArgument on anything else."""
    if _BLOB.fullmatch(key):
        return True
    require_folder_key(key)
    return False


def require_blob_key(key: str) -> str:
    """Return `key` if it names a blob; raises InvalidArgument otherwise."""
    if not _BLOB.fullmatch(key):
        raise InvalidArgument(f"'{key}' is not a blob's key; it has the form sha256/ab/abcdef....")
    return key


def require_folder_key(key: str) -> str:
    """Return `key` if it may name a folder; raises InvalidArgument otherwise (absolute, "..", odd characters)."""
    segments = key.split("/")
    if len(key) > MAX_KEY_LENGTH or segments[0] == "sha256" or not all(_SEGMENT.fullmatch(s) for s in segments):
        raise InvalidArgument(
            f"'{key[:MAX_KEY_LENGTH]}' is not a folder's key. Write one like models/project/id: at most "
            f"{MAX_KEY_LENGTH} characters; parts of letters, digits and _.@+=- that start with a letter, digit or _; "
            "the first part not sha256."
        )
    return key


def beginning_below(key: str) -> str:
    """Return what the names of the folders below this key begin with, their slashes written as ~; "" of no key.

    Raises InvalidArgument on what can't be a folder's key.
    """
    return f"{require_folder_key(key)}/".replace("/", "~") if key else ""
