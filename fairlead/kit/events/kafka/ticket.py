"""What one caller waits for: the acknowledgement of its records."""

from __future__ import annotations

import threading
from collections.abc import Sequence

from fairlead.kit.errors import FairleadError

from .records import Record


class Ticket:
    """The records of one call: done once all are acknowledged, or one has failed."""

    def __init__(self, records: Sequence[Record]) -> None:
        self.records = records
        self.size = sum(record.size for record in records)
        self.error: FairleadError | None = None
        self._left = len(records)
        self._done = threading.Event()

    def acknowledge(self) -> None:
        """Take note that one more record is in the log; called by the sender only."""
        self._left -= 1
        if self._left == 0:
            self._done.set()

    def fail(self, error: FairleadError) -> None:
        """End the call with an error: the records of it that are not sent yet never will be."""
        if self.error is None and self._left:
            self.error = error
        self._done.set()

    @property
    def done(self) -> bool:
        """Return whether the call has ended."""
        return self._done.is_set()

    def wait(self, seconds: float) -> bool:
        """Return True once the call has ended, False after the time."""
        return self._done.wait(seconds)
