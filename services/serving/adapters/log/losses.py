"""Predictions that the log lacks, until an alert has told of them.

They are kept in a file too, so that a restart forgets none.
"""

from __future__ import annotations

import json
import os
import uuid
from enum import StrEnum
from pathlib import Path
from threading import Lock
from typing import NamedTuple

from fairlead.kit.logging import get_logger

from ...domain.losses import Span

LOG = get_logger("fairlead.serving.log")


class Cause(StrEnum):
    """Why the log lacks predictions."""

    FULL = "full"
    """The event log was away or slow, and what waits for it on disk was full or the disk took no more."""
    REJECTED = "rejected"
    """The event log takes the rest, and never these."""
    DAMAGED = "damaged"
    """They waited on disk and could not be read back, or not be made into events."""


Key = tuple[str, bool, Cause]
"""A deployment, whether its callers were refused, and why."""


class Loss(NamedTuple):
    """Rows of one deployment that were answered and dropped, or refused; the id is that of the alert's event."""

    id: str
    deployment: str
    refused: bool
    span: Span
    cause: Cause = Cause.FULL


class Losses:
    """Adds up losses by deployment. Safe to call from many threads."""

    def __init__(self, file: Path) -> None:
        """Go on with what an earlier process left in a file; one that can't be read is logged and set aside."""
        self._file = file
        self._lock = Lock()
        self._counted: dict[Key, Span] = {}
        self._telling: list[Loss] = []
        self._saved = True
        if file.exists():
            try:
                self._counted, self._telling = _read(file)
            except (ValueError, KeyError, TypeError) as error:
                aside = file.with_suffix(".broken")
                file.replace(aside)
                LOG.error(
                    "the count of lost predictions can't be read, and their alert is not raised; its file is set aside",
                    file=str(aside),
                    error=str(error),
                )

    def __bool__(self) -> bool:
        """Return whether there is anything to tell."""
        return bool(self._counted or self._telling)

    def add(self, deployment: str, span: Span, *, refused: bool = False, cause: Cause = Cause.FULL) -> None:
        """Count a loss; it is in the file after the next save()."""
        with self._lock:
            known = self._counted.get((deployment, refused, cause))
            self._counted[deployment, refused, cause] = span if known is None else known.joined(span)
            self._saved = False

    def save(self) -> None:
        """Write what the file lacks; where the disk refuses that is logged, and done by a later call."""
        with self._lock:
            if not self._saved:
                try:
                    self._write()
                except OSError:
                    LOG.exception("the disk does not take the count of lost predictions; a restart would forget it")

    def tell(self) -> list[Loss]:
        """Return what is to be told now: the same until told() is called. Raises OSError."""
        with self._lock:
            if not self._telling:
                counted, self._counted = self._counted, {}
                self._telling = [
                    Loss(str(uuid.uuid4()), deployment, refused, span, cause)
                    for (deployment, refused, cause), span in counted.items()
                ]
                # Before anyone hears of them: told again after a crash they must have the same ids.
                self._write()
            return list(self._telling)

    def told(self) -> None:
        """Forget what tell() returned. Raises OSError."""
        with self._lock:
            self._telling = []
            self._write()

    def _write(self) -> None:
        counted = [(deployment, refused, span, cause) for (deployment, refused, cause), span in self._counted.items()]
        draft = self._file.with_suffix(".draft")
        with draft.open("w") as file:
            file.write(json.dumps({"counted": counted, "telling": self._telling}))
            file.flush()
            # Else a power cut may leave the new name and none of the content.
            os.fsync(file.fileno())
        draft.replace(self._file)
        self._saved = True


def _read(file: Path) -> tuple[dict[Key, Span], list[Loss]]:
    """Return what is counted and what is being told. Earlier versions wrote no cause: there was one."""
    known = json.loads(file.read_text())
    counted = {
        (str(name), bool(refused), Cause(*cause or [Cause.FULL])): Span(*span)
        for name, refused, span, *cause in known["counted"]
    }
    telling = [
        Loss(str(id), str(name), bool(refused), Span(*span), Cause(*cause or [Cause.FULL]))
        for id, name, refused, span, *cause in known["telling"]
    ]
    return counted, telling
