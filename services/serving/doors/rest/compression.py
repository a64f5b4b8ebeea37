"""gzip and deflate of bodies."""

from __future__ import annotations

import gzip
import zlib

from fairlead.kit.errors import InvalidArgument, Unimplemented

from .http import Response, too_large

SMALLEST = 1024
"""Bodies below this many bytes are sent as they are: compressing them costs more than it saves."""
_AUTO_GZIP = 16 + zlib.MAX_WBITS


def decompress(body: bytes, encoding: str, limit: int) -> bytes:
    """Return the body as it was before compression, at most limit bytes.

    Raises InvalidArgument for broken data, Unimplemented for another encoding, BodyTooLarge above the limit.
    """
    if encoding in ("", "identity"):
        return body
    if encoding not in ("gzip", "deflate"):
        raise Unimplemented(f"Content-Encoding '{encoding}' is not read; send gzip, deflate or none")
    try:
        return _inflate(body, _AUTO_GZIP if encoding == "gzip" else zlib.MAX_WBITS, limit)
    except zlib.error:
        if encoding == "deflate":
            # Some clients send deflate without the zlib header.
            return _inflate_bare(body, limit)
        raise InvalidArgument("the body is not valid gzip data, as its Content-Encoding says it is") from None


def compress(response: Response, accepted: str) -> Response:
    """Return the response compressed as the client's Accept-Encoding allows."""
    if len(response.body) < SMALLEST:
        return response
    names = {name.partition(";")[0].strip() for name in accepted.lower().split(",")}
    if "gzip" in names:
        encoding, body = b"gzip", gzip.compress(response.body, compresslevel=1, mtime=0)
    elif "deflate" in names:
        encoding, body = b"deflate", zlib.compress(response.body, 1)
    else:
        return response
    return response._replace(body=body, headers=(*response.headers, (b"content-encoding", encoding)))


def _inflate_bare(body: bytes, limit: int) -> bytes:
    try:
        return _inflate(body, -zlib.MAX_WBITS, limit)
    except zlib.error:
        raise InvalidArgument("the body is not valid deflate data, as its Content-Encoding says it is") from None


def _inflate(body: bytes, window: int, limit: int) -> bytes:
    decompressor = zlib.decompressobj(window)
    data = decompressor.decompress(body, limit + 1)
    if len(data) > limit:
        raise too_large(limit)
    if not decompressor.eof:
        raise zlib.error("the data is cut short")
    return data
