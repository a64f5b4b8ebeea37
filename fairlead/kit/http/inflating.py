"""Bodies that were compressed on their way."""

from __future__ import annotations

import zlib

from fairlead.kit.errors import InvalidArgument

ENCODINGS = ("gzip", "deflate")
_WINDOWS = {"gzip": (16 + zlib.MAX_WBITS,), "deflate": (zlib.MAX_WBITS, -zlib.MAX_WBITS)}
"""Some clients send deflate without the zlib header, which the second says."""


def inflate(body: bytes, encoding: str, most: int) -> bytes:
    """Return a body as it was before it was compressed by one of ENCODINGS, and no more than the first bytes of it.

    Gzip may have several members (RFC 1952, 2.2). Raises InvalidArgument for what is not so compressed, be it in part.
    """
    for window in _WINDOWS[encoding]:
        try:
            return _inflated(body, window, most, members=encoding == "gzip")
        except zlib.error:
            continue
    raise InvalidArgument(f"the body is not valid {encoding} data, as its Content-Encoding says it is")


def _inflated(body: bytes, window: int, most: int, *, members: bool) -> bytes:
    parts: list[bytes] = []
    while most:
        decompressor = zlib.decompressobj(window)
        parts.append(decompressor.decompress(body, most))
        most -= len(parts[-1])
        if not decompressor.eof:
            if most:
                raise zlib.error("it ends too early")
            break
        body = decompressor.unused_data
        if not body:
            break
        if not members:
            raise zlib.error("something follows it")
    return b"".join(parts)
