"""A name server of a test's own, whose answers change as pods come and go."""

from __future__ import annotations

import ipaddress
import socket
import struct
from threading import Thread
from typing import Self

A, IN = 1, 1
ANSWERED, NO_SUCH_NAME = 0x8400, 0x8403


class NameServer:
    """Answers questions for IPv4 addresses by UDP (RFC 1035)."""

    def __init__(self) -> None:
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.bind(("127.0.0.1", 0))
        self.port: int = self._socket.getsockname()[1]
        self.addresses: tuple[str, ...] = ()
        """What every name means now; none: there is no such name."""
        self._thread = Thread(target=self._serve, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        # An empty message ends it.
        self._socket.sendto(b"", ("127.0.0.1", self.port))
        self._thread.join()
        self._socket.close()

    def target(self, port: int) -> str:
        """Return the target of a gRPC channel to pods at a port."""
        return f"dns://127.0.0.1:{self.port}/pods.test:{port}"

    def _serve(self) -> None:
        while True:
            message, sender = self._socket.recvfrom(512)
            if not message:
                return
            self._socket.sendto(self._answer(message), sender)

    def _answer(self, message: bytes) -> bytes:
        end = message.index(b"\0", 12) + 5
        (kind,) = struct.unpack(">H", message[end - 4 : end - 2])
        found = [ipaddress.IPv4Address(address).packed for address in self.addresses] if kind == A else []
        flags = ANSWERED if self.addresses else NO_SUCH_NAME
        head = message[:2] + struct.pack(">HHHHH", flags, 1, len(found), 0, 0)
        # Each answer points at the name in the question, and is to be forgotten at once.
        records = [struct.pack(">HHHIH", 0xC00C, A, IN, 0, len(address)) + address for address in found]
        return b"".join([head, message[12:end], *records])
