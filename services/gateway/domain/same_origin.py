"""Whether a browser's request comes from a page of this very server."""

from __future__ import annotations

from urllib.parse import urlsplit


def is_same_origin(origin: str | None, host: str | None) -> bool:
    """Return True where the Origin header names the host that the request was sent to."""
    if not origin or not host:
        return False
    parts = urlsplit(origin)
    return parts.scheme in ("http", "https") and parts.netloc.lower() == host.lower()
