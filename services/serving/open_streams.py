"""Bidirectional streams that are open, so that a server which stops need not wait for their callers to leave."""

from __future__ import annotations

from collections.abc import Iterator
from threading import Lock
from typing import TypeVar

import grpc

Message = TypeVar("Message")


class OpenStreams:
    """Hands on the messages of streams until they end or the server stops. Safe to use from many threads."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._idle: set[grpc.ServicerContext] = set()
        self._closing = False

    def messages(self, requests: Iterator[Message], context: grpc.ServicerContext) -> Iterator[Message]:
        """Return a stream's messages, none after close(); a caller who leaves ends them."""
        while True:
            with self._lock:
                if self._closing:
                    return
                self._idle.add(context)
            try:
                request = next(requests, None)
            except grpc.RpcError:
                return
            finally:
                with self._lock:
                    self._idle.discard(context)
            if request is None:
                return
            yield request

    def close(self) -> None:
        """End every stream: those that wait for a message at once, the others after their answer."""
        with self._lock:
            self._closing = True
            idle = list(self._idle)
        for context in idle:
            context.cancel()
