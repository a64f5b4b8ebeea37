"""Which failed calls are sent again: those that no server saw, and those that change nothing."""

from __future__ import annotations

import time
from typing import cast

import grpc

from fairlead.kit.rpc.status import is_broken

READS = ("Get", "List")
"""What the names of methods that change nothing begin with (google.aip.dev/131 and 132)."""
PAUSE_SECONDS = 0.2
MOST_TRIES = 3
BROKEN_PAUSE_SECONDS = 0.05
# gRPC tells by words alone that a call was never sent: there was nobody to connect to, or no name.
_NEVER_SENT = (
    "failed to connect to all addresses",
    "connections to all backends failing",
    "errors resolving",
    "dns resolution failed",
)


class Repeating:
    """Decides for the calls of one channel."""

    def __init__(self, patience: float = 0.0, reads: tuple[str, ...] = READS) -> None:
        """Let calls wait until nobody could be connected to for patience seconds; after that they fail at once.

        reads are what the names of methods begin with that may be sent twice.
        """
        self._patience = patience
        self._reads = reads
        self._away_since: float | None = None

    def answered(self) -> None:
        """Note that there is somebody."""
        self._away_since = None

    def again(self, method: str, failure: grpc.RpcError, tries: int, left: float) -> bool:
        """Return whether to send a call again, which was sent so many times and has so many seconds left.

        Where nobody could be connected to, that is after a pause.
        """
        call = cast(grpc.Call, failure)
        if not is_broken(call):
            return False
        if never_sent(call):
            return self._waits(left)
        if tries >= MOST_TRIES or not method.rpartition("/")[2].startswith(self._reads):
            return False
        # The channel may not know yet that the connection broke, and would take it again.
        time.sleep(BROKEN_PAUSE_SECONDS)
        return left > BROKEN_PAUSE_SECONDS

    def _waits(self, left: float) -> bool:
        now = time.monotonic()
        if self._away_since is None:
            self._away_since = now
        if now - self._away_since >= self._patience or left <= PAUSE_SECONDS:
            return False
        time.sleep(PAUSE_SECONDS)
        return True


def never_sent(call: grpc.Call | grpc.aio.AioRpcError) -> bool:
    """Return whether a call failed because nobody could be connected to."""
    return (call.details() or "").lower().startswith(_NEVER_SENT)
