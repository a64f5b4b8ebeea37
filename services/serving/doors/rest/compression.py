"""gzip and deflate of bodies."""

from __future__ import annotations

import gzip
import re
import zlib

from fairlead.kit.errors import Unimplemented
from fairlead.kit.http.inflating import ENCODINGS, inflate

from .http import Response, too_large

SMALLEST = 1024
"""Bodies below this many bytes are sent as they are: compressing them costs more than it saves."""
_NEVER = re.compile(r"\s*q\s*=\s*0(\.0{0,3})?\s*")
"""The weight of what a client does not accept (RFC 9110, 12.4.2)."""


def decompress(body: bytes, encoding: str, limit: int) -> bytes:
    """Return the body as it was before compression, at most limit bytes.

    Raises InvalidArgument for broken data, Unimplemented for another encoding, BodyTooLarge above the limit.
    """
    if encoding in ("", "identity"):
        return body
    if encoding not in ENCODINGS:
        raise Unimplemented(f"Content-Encoding '{encoding}' is not read; send {', '.join(ENCODINGS)} or none")
    data = inflate(body, encoding, limit + 1)
    if len(data) > limit:
        raise too_large(limit)
    return data


def compress(response: Response, accepted: str) -> Response:
    """Return the response compressed as the client's Accept-Encoding allows."""
    if len(response.body) < SMALLEST:
        return response
    choices = (choice.partition(";") for choice in accepted.lower().split(","))
    names = {name.strip() for name, _, weight in choices if not _NEVER.fullmatch(weight)}
    if "gzip" in names:
        encoding, body = b"gzip", gzip.compress(response.body, compresslevel=1, mtime=0)
    elif "deflate" in names:
        encoding, body = b"deflate", zlib.compress(response.body, 1)
    else:
        return response
    return response._replace(body=body, headers=(*response.headers, (b"content-encoding", encoding)))
