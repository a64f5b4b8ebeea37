"""gRPC's messages on a stream: a flag, four bytes of length, and the message (grpc.io, PROTOCOL-HTTP2.md)."""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator

from fairlead.kit.errors import InvalidArgument, ResourceExhausted, Unimplemented

from ..rest.compression import decompress
from ..rest.http import BodyTooLarge

PREFIX = struct.Struct(">BI")
MEGABYTE = 1024 * 1024


class MessageReader:
    """Puts messages together from the data of a stream."""

    __slots__ = ("_data", "_decompress", "_limit")

    def __init__(self, encoding: str, limit: int) -> None:
        """Read messages of at most limit bytes; encoding is the stream's grpc-encoding, empty for none."""
        self._data = bytearray()
        self._limit = limit
        self._decompress: Callable[[bytes], bytes] = lambda message: _decompressed(message, encoding, limit)

    def read(self, data: bytes) -> Iterator[bytes]:
        """Return the messages that are whole now.

        Raises ResourceExhausted for one that is too large, InvalidArgument and Unimplemented for what can't be
        decompressed.
        """
        if not self._data and len(data) >= PREFIX.size:
            compressed, length = PREFIX.unpack_from(data)
            # Mostly a stream's data is one message, which need not be copied together.
            if not compressed and length <= self._limit and len(data) == PREFIX.size + length:
                yield data[PREFIX.size :]
                return
        self._data += data
        while len(self._data) >= PREFIX.size:
            compressed, length = PREFIX.unpack_from(self._data)
            if length > self._limit:
                raise ResourceExhausted(
                    f"the message has {length} bytes; at most {self._limit // MEGABYTE} MB are read here"
                )
            end = PREFIX.size + length
            if len(self._data) < end:
                return
            message = bytes(self._data[PREFIX.size : end])
            del self._data[:end]
            yield self._decompress(message) if compressed else message

    @property
    def is_within(self) -> bool:
        """Whether a part of a message is here, and the rest is not."""
        return bool(self._data)


def framed(message: bytes) -> bytes:
    """Return a message as it is sent."""
    return PREFIX.pack(0, len(message)) + message


def _decompressed(message: bytes, encoding: str, limit: int) -> bytes:
    if encoding in ("", "identity"):
        raise InvalidArgument("a message is compressed, and the call names no grpc-encoding")
    try:
        return decompress(message, encoding, limit)
    except BodyTooLarge:
        raise ResourceExhausted(f"a message has more than {limit // MEGABYTE} MB once decompressed") from None
    except Unimplemented:
        raise Unimplemented(
            f"messages of grpc-encoding '{encoding}' are not read; send gzip, deflate or none"
        ) from None
