"""How large an event on Kafka may be, whether it is sent at once or waits on disk first."""

from __future__ import annotations

from collections.abc import Iterable

from fairlead.kit.errors import InvalidArgument

from .records import Record

MAX_RECORD_BYTES = 8 * 1024 * 1024
# What the broker counts: a batch of one record, in the worst case no smaller by its compression. Each topic needs that
# as its max.message.bytes, which is 1 MiB where nobody set it.
MAX_BATCH_BYTES = MAX_RECORD_BYTES + 64 * 1024


def require_sizes(records: Iterable[Record]) -> None:
    """Raise InvalidArgument on a record that is over the limit."""
    for record in records:
        if record.size > MAX_RECORD_BYTES:
            raise InvalidArgument(
                f"An event of topic '{record.topic}' has {record.size} bytes; {MAX_RECORD_BYTES} are the most."
            )
