"""Bidirectional streams that are open, so that a server which stops need not wait for their callers to leave."""

from __future__ import annotations

import time
from collections.abc import Iterator
from threading import Lock
from typing import TypeVar

import grpc

Message = TypeVar("Message")
QUIET_SECONDS = 0.5
"""A stream whose caller says nothing for so long is taken for one that waits for nothing."""
TICK_SECONDS = 0.05


class OpenStreams:
    """Hands on the messages of streams until they end or the server stops. Safe to use from many threads."""

    def __init__(self) -> None:
        self._lock = Lock()
        # Those that wait for a message, and since when.
        self._idle: dict[grpc.ServicerContext, float] = {}
        self._open = 0
        self._closing = False

    def messages(self, requests: Iterator[Message], context: grpc.ServicerContext) -> Iterator[Message]:
        """Return a stream's messages, none after close(); a caller who leaves ends them."""
        with self._lock:
            self._open += 1
        try:
            while (message := self._next(requests, context)) is not None:
                yield message
        finally:
            with self._lock:
                self._open -= 1

    def _next(self, requests: Iterator[Message], context: grpc.ServicerContext) -> Message | None:
        with self._lock:
            if self._closing:
                return None
            self._idle[context] = time.monotonic()
        try:
            return next(requests, None)
        except grpc.RpcError:
            return None
        finally:
            with self._lock:
                self._idle.pop(context, None)

    def end(self, seconds: float) -> None:
        """End each stream once its caller is quiet, and those that are left after so many seconds."""
        until = time.monotonic() + seconds
        while self._open and (now := time.monotonic()) < until:
            with self._lock:
                quiet = [context for context, since in self._idle.items() if now - since > QUIET_SECONDS]
            for context in quiet:
                context.cancel()
            time.sleep(TICK_SECONDS)
        self.close()

    def close(self) -> None:
        """End every stream: those that wait for a message at once, the others after their answer."""
        with self._lock:
            self._closing = True
            idle = list(self._idle)
        for context in idle:
            context.cancel()
