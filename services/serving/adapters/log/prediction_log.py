"""The prediction log, as callers see it: a journal on local disk, and what happens once that is full.

An answered request is in the journal before its caller has the answer, so a killed process loses none. While the event
log is away the journal grows to its limit; beyond it the oldest predictions are dropped, or the newest, or requests are
refused, as configured; each counted, logged once as an error, and told in an alert later on.
"""

from __future__ import annotations

from fairlead.kit.errors import Unavailable
from fairlead.kit.events import EventLog
from fairlead.kit.logging import get_logger

from ...domain.losses import Span, Tally, rows_of
from ...domain.models.model import Model
from ...domain.models.prediction import Prediction
from ...domain.prediction_log import Origin, WhenFull
from ...domain.requests.columns import Columns
from ..metrics.log import DROPPED, REFUSED, watch
from .frames import Mark
from .journal import Journal, JournalFull
from .losses import Losses
from .made_events import MADE_ROWS, encode_made
from .publication_traces import PublicationTraces
from .publisher import PredictionPublisher
from .records import encode, encode_head

RETRY_AFTER_SECONDS = 5.0

LOG = get_logger("fairlead.serving.log")
MOST_HEADS = 8192


class JournaledPredictionLog:
    """Implements the domain's PredictionLog."""

    def __init__(
        self, journal: Journal, losses: Losses, events: EventLog, when_full: WhenFull = WhenFull.DROP_OLDEST
    ) -> None:
        """Publish what an earlier process left, then what is appended."""
        self._journal = journal
        self._losses = losses
        self._when_full = when_full
        self._displaced = self._drop_oldest if when_full is WhenFull.DROP_OLDEST else None
        self._heads: dict[tuple[str, str, bool, float], tuple[bytes, Origin]] = {}
        self._traces = PublicationTraces()
        self._publisher = PredictionPublisher(journal, losses, events, self._traces)
        watch(journal)

    def append(
        self,
        deployment: str,
        model: Model,
        request_id: str | list[str],
        columns: Columns,
        prediction: Prediction,
        time_ns: int,
        *,
        shadow: bool = False,
        sampling_rate: float = 0.0,
    ) -> None:
        """Keep answered requests. Raises Unavailable where they can't be kept and are to be refused for that.

        Of several requests none is counted then: each is asked again by itself.
        """
        key = (deployment, model.version, shadow, sampling_rate)
        head, origin = self._heads.get(key) or self._remember(key, model)
        mark = Mark(deployment, prediction.rows, time_ns)
        if isinstance(request_id, str):
            # Before it is kept, for it may be published at once. Requests that are answered together have no traces.
            self._traces.remember(request_id)
        if prediction.rows >= MADE_ROWS and isinstance(request_id, str):
            body = encode_made(head, origin, request_id, time_ns, columns, prediction)
        else:
            body = encode(head, request_id, time_ns, columns, prediction)
        try:
            segment = self._journal.append(body, mark, self._displaced)
        except JournalFull as error:
            self._lose(mark, error, "drop_oldest" if self._displaced else "drop_newest", request_id)
            return
        except OSError as error:
            self._lose(mark, error, "disk", request_id)
            return
        self._publisher.wake(segment)

    def forget(self, deployment: str) -> None:
        """Keep nothing in memory for a deployment that ended; what it answered is published all the same."""
        for key in [key for key in self._heads.copy() if key[0] == deployment]:
            self._heads.pop(key, None)

    def close(self) -> None:
        """Publish what is left; what the event log refuses stays on disk for the next process."""
        self._publisher.close()

    def _remember(self, key: tuple[str, str, bool, float], model: Model) -> tuple[bytes, Origin]:
        deployment, _, shadow, sampling_rate = key
        head = encode_head(deployment, model, shadow=shadow, sampling_rate=sampling_rate)
        if len(self._heads) >= MOST_HEADS:
            # Versions that answer no more leave theirs behind.
            self._heads.clear()
        # Not the model itself, which this would keep in memory after the deployment's end.
        origin = Origin(deployment, model.version, model.schema, shadow, sampling_rate)
        self._heads[key] = head, origin
        return head, origin

    def _drop_oldest(self, tally: Tally) -> None:
        """Count a segment that makes room, while it is still there."""
        for deployment, span in tally.items():
            self._losses.add(deployment, span)
        self._losses.save()
        DROPPED.labels("drop_oldest").inc(rows_of(tally))
        self._tell("the spool is full")

    def _lose(self, mark: Mark, error: Exception, reason: str, request_id: str | list[str]) -> None:
        """Count a record that was not kept. Raises Unavailable where it is to be refused."""
        span = Span(mark.rows, mark.time_ns, mark.time_ns)
        refused = self._when_full is WhenFull.REFUSE
        if refused and not isinstance(request_id, str):
            raise Unavailable("the prediction log can't keep these together") from error
        self._losses.add(mark.deployment, span, refused=refused)
        self._tell(str(error))
        if refused:
            REFUSED.inc(mark.rows)
            raise Unavailable(
                "the prediction log is full, and predictions that can't be logged are refused here; try again later",
                resource=mark.deployment,
                retry_after=RETRY_AFTER_SECONDS,
            ) from error
        DROPPED.labels(reason).inc(mark.rows)

    def _tell(self, error: str) -> None:
        if self._publisher.begins_to_lose():
            LOG.error("predictions are not logged any more", policy=self._when_full.value, error=error)
