"""What is wrong with a backup or with its target."""

from __future__ import annotations

import errno
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from fairlead.kit.errors import FailedPrecondition, ResourceExhausted


class Damaged(FailedPrecondition):
    """A backup is not as it was written, or was never finished."""


class NotEmpty(FailedPrecondition):
    """A target holds something already."""


@contextmanager
def room_needed(folder: Path) -> Iterator[None]:
    """Tell of a full disk in a sentence. Raises ResourceExhausted for one."""
    try:
        yield
    except OSError as error:
        if error.errno not in (errno.ENOSPC, errno.EDQUOT):
            raise
        raise ResourceExhausted(f"the disk of {folder} is full; free some space and begin again") from error
