"""Predictions that the log lacks since it was full, until an alert has told of them.

They are kept in a file too, so that a restart forgets none.
"""

from __future__ import annotations

import json
import uuid
from pathlib import Path
from threading import Lock
from typing import NamedTuple

from fairlead.kit.logging import get_logger

from ..domain.losses import Span

LOG = get_logger("fairlead.serving.log")

Key = tuple[str, bool]
"""A deployment, and whether its callers were refused."""


class Loss(NamedTuple):
    """Rows of one deployment that were answered and dropped, or refused; the id is that of the alert's event."""

    id: str
    deployment: str
    refused: bool
    span: Span


class Losses:
    """Adds up losses by deployment. Safe to call from many threads."""

    def __init__(self, file: Path) -> None:
        """Go on with what an earlier process left in a file."""
        self._file = file
        self._lock = Lock()
        self._counted: dict[Key, Span] = {}
        self._telling: list[Loss] = []
        self._saved = True
        if file.exists():
            known = json.loads(file.read_text())
            self._counted = {(name, refused): Span(*span) for name, refused, span in known["counted"]}
            self._telling = [Loss(id, name, refused, Span(*span)) for id, name, refused, span in known["telling"]]

    def __bool__(self) -> bool:
        """Return whether there is anything to tell."""
        return bool(self._counted or self._telling)

    def add(self, deployment: str, span: Span, *, refused: bool = False) -> None:
        """Count a loss; it is in the file after the next save()."""
        with self._lock:
            known = self._counted.get((deployment, refused))
            self._counted[deployment, refused] = span if known is None else known.joined(span)
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
                    Loss(str(uuid.uuid4()), deployment, refused, span)
                    for (deployment, refused), span in counted.items()
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
        counted = [(deployment, refused, span) for (deployment, refused), span in self._counted.items()]
        draft = self._file.with_suffix(".draft")
        draft.write_text(json.dumps({"counted": counted, "telling": self._telling}))
        draft.replace(self._file)
        self._saved = True
