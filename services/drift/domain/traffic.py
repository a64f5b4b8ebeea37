"""Logged predictions of one deployment, as columns."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import numpy as np

from .reference import Counts
from .window import Values


@dataclass(frozen=True, eq=False)
class Traffic:
    """Rows in the order they were predicted: inputs by name, the watched prediction, and the requests' times."""

    inputs: Mapping[str, Values]
    prediction: Values
    # Row number at which each request ends, rising; and when it was answered.
    request_ends: Counts
    request_times: Sequence[datetime]

    @property
    def rows(self) -> int:
        """Return the number of rows."""
        return int(self.request_ends[-1]) if len(self.request_ends) else 0

    def time_of(self, row: int) -> datetime:
        """Return when the row was predicted."""
        return self.request_times[int(np.searchsorted(self.request_ends, row, side="right"))]

    def columns(self, start: int, stop: int) -> tuple[dict[str, Values], Values]:
        """Return inputs and prediction of the rows from start up to stop."""
        return {name: values[start:stop] for name, values in self.inputs.items()}, self.prediction[start:stop]
