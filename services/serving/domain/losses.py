"""How many predicted rows, of which deployment and between which times: what a stretch of the prediction log holds."""

from __future__ import annotations

from typing import NamedTuple


class Span(NamedTuple):
    """Rows of one deployment, and when the first and the last of them were answered: nanoseconds since 1970."""

    rows: int
    first_ns: int
    last_ns: int

    def joined(self, other: Span) -> Span:
        """Return both as one."""
        return Span(self.rows + other.rows, min(self.first_ns, other.first_ns), max(self.last_ns, other.last_ns))


Tally = dict[str, Span]
"""A span by deployment."""


def add(tally: Tally, deployment: str, span: Span) -> None:
    """Count a span in."""
    known = tally.get(deployment)
    tally[deployment] = span if known is None else known.joined(span)


def rows_of(tally: Tally) -> int:
    """Return the rows of all deployments."""
    return sum(span.rows for span in tally.values())
