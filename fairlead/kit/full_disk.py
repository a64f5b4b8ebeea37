"""A full disk, told in a sentence."""

from __future__ import annotations

import errno
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from fairlead.kit.errors import ResourceExhausted


@contextmanager
def room_needed(place: Path | str, what_to_do: str = "free some space") -> Iterator[None]:
    """Raise ResourceExhausted, naming the place and what to do, where the disk is full or a quota is used up."""
    try:
        yield
    except OSError as error:
        if error.errno not in (errno.ENOSPC, errno.EDQUOT):
            raise
        raise ResourceExhausted(f"the disk of {place} is full; {what_to_do}") from error
