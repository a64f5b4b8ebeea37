"""What the connections of a server share, and who answers the calls on them."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Protocol

from fairlead.kit.errors import FairleadError

if TYPE_CHECKING:
    from .call import Call
    from .connection import Http2Connection


class Application(Protocol):
    """What answers calls; FairleadError that it raises ends the call."""

    @property
    def message_bytes(self) -> int:
        """Return the largest message that it reads."""

    def began(self, call: Call) -> None:
        """A call has begun."""

    def came(self, call: Call, message: bytes) -> None:
        """One of its messages has come."""

    def sent_all(self, call: Call) -> None:
        """Its caller sends no more messages."""

    def gone(self, call: Call) -> None:
        """Its caller, or the connection, is gone before the end."""

    def failed(self, call: Call, error: FairleadError) -> None:
        """It ends with an error."""


class Connections:
    """What the connections of a server share."""

    def __init__(
        self, application: Application, loop: asyncio.AbstractEventLoop, *, most: int, refused: dict[str, int]
    ) -> None:
        """Let there be so many at most; refusals are counted by reason."""
        self.application = application
        self.loop = loop
        self.most = most
        self.refused = refused
        self.open: set[Http2Connection] = set()
        self.ending = False
