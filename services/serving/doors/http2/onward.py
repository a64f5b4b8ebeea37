"""Calls that go on to the general server, as they came, and its answers on their way back."""

from __future__ import annotations

import asyncio
from base64 import b64decode
from collections.abc import AsyncIterator, Callable
from typing import Any

import grpc

from .call import Call, encoded

_OF_THE_CONNECTION = frozenset(
    (b"content-type", b"te", b"user-agent", b"grpc-timeout", b"grpc-encoding", b"grpc-accept-encoding")
)
_UNBOUNDED = (("grpc.max_receive_message_length", -1), ("grpc.max_send_message_length", -1))
INTERNAL = 13


class Onward:
    """Opened and closed on the event loop that its calls come from."""

    def __init__(self, address: Callable[[], str]) -> None:
        """Send calls to the server at this address, which is known once it listens."""
        self._address = address
        self._channel: Any = None
        self._tasks: set[asyncio.Task[None]] = set()

    def open(self) -> None:
        """Connect, once there is a loop."""
        self._channel = grpc.aio.insecure_channel(self._address(), options=_UNBOUNDED)

    async def close(self) -> None:
        """Close the connection."""
        if self._channel is not None:
            await self._channel.close()

    def take(self, call: Call) -> Passed:
        """Send a call on from here; what is returned, its handler, is told what comes."""
        passed = Passed(call)
        call.handler = passed
        passed.task = call.connection.loop.create_task(passed.run(self._channel))
        self._tasks.add(passed.task)
        passed.task.add_done_callback(self._tasks.discard)
        return passed


class Passed:
    """A call that goes on."""

    def __init__(self, call: Call) -> None:
        self._call = call
        self._messages: asyncio.Queue[bytes | None] = asyncio.Queue()
        self.task: asyncio.Task[None] | None = None

    @property
    def waiting(self) -> int:
        """Return how many messages wait."""
        return self._messages.qsize()

    def came(self, message: bytes) -> None:
        """One more message."""
        self._messages.put_nowait(message)

    def sent_all(self) -> None:
        """There are no more."""
        self._messages.put_nowait(None)

    def left(self) -> None:
        """Its caller is gone."""
        if self.task is not None:
            self.task.cancel()

    async def run(self, channel: Any) -> None:
        """Send what comes, and send back what is answered."""
        call = self._call
        # Each kind of call is a stream on the wire.
        made = channel.stream_stream(call.path)(
            self._all(), metadata=tuple(_metadata(call.headers)), timeout=call.left(), wait_for_ready=True
        )
        try:
            async for message in made:
                call.send(message)
        except grpc.RpcError:
            # Told below, as the end of every call is.
            pass
        except asyncio.CancelledError:
            made.cancel()
            raise
        code = await made.code()
        trailers = [
            encoded(key.encode(), value if isinstance(value, bytes) else value.encode())
            for key, value in await made.trailing_metadata() or ()
        ]
        call.finish(INTERNAL if code is None else code.value[0], await made.details() or "", trailers)

    async def _all(self) -> AsyncIterator[bytes]:
        while (message := await self._messages.get()) is not None:
            self._call.connection.go_on(self._call)
            yield message


def _metadata(headers: dict[bytes, bytes]) -> list[tuple[str, str | bytes]]:
    found: list[tuple[str, str | bytes]] = []
    for name, value in headers.items():
        if name.startswith(b":") or name in _OF_THE_CONNECTION:
            continue
        if name.endswith(b"-bin"):
            found.append((name.decode(), b64decode(value + b"=" * (-len(value) % 4))))
        else:
            found.append((name.decode(), value.decode("latin-1")))
    return found
