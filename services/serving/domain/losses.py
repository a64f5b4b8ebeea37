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


def count(tally: Tally, deployment: str, rows: int, time_ns: int) -> None:
    """Count one record in; as add(), and several times quicker, for it is done for each request."""
    known = tally.get(deployment)
    if known is None:
        tally[deployment] = Span(rows, time_ns, time_ns)
        return
    so_far, first_ns, last_ns = known
    tally[deployment] = Span(
        so_far + rows, time_ns if time_ns < first_ns else first_ns, time_ns if time_ns > last_ns else last_ns
    )


def rows_of(tally: Tally) -> int:
    """Return the rows of all deployments."""
    return sum(span.rows for span in tally.values())
