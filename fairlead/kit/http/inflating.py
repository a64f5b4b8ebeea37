"""Bodies that were compressed on their way."""

from __future__ import annotations

import zlib

from fairlead.kit.errors import InvalidArgument

ENCODINGS = ("gzip", "deflate")
_WINDOWS = {"gzip": (16 + zlib.MAX_WBITS,), "deflate": (zlib.MAX_WBITS, -zlib.MAX_WBITS)}
"""Some clients send deflate without the zlib header, which the second says."""


def inflate(body: bytes, encoding: str, most: int) -> bytes:
    """Return a body as it was before it was compressed by one of ENCODINGS, and no more than the first bytes of it.

    Raises InvalidArgument for what is not so compressed.
    """
    for window in _WINDOWS[encoding]:
        decompressor = zlib.decompressobj(window)
        try:
            data = decompressor.decompress(body, most)
        except zlib.error:
            continue
        if decompressor.eof or len(data) == most:
            return data
    raise InvalidArgument(f"the body is not valid {encoding} data, as its Content-Encoding says it is")
