"""The thread that publishes the journal: segment by segment, in order, trying again until the event log takes it.

A crash between publishing and removing repeats a segment: the same rows have the same event ids then.
"""

from __future__ import annotations

import itertools
import time
import traceback
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime
from threading import Event as Flag
from threading import Lock, Thread

from fairlead.api.events.v1 import events_pb2
from fairlead.kit.errors import InvalidArgument
from fairlead.kit.events import Draft, EventLog, topics
from fairlead.kit.logging import get_logger

from ...domain.losses import Span, Tally, add, rows_of
from ..metrics.log import DROPPED, LOGGED, SPOOLED
from .drafts import drafts_of
from .frames import Mark, Record
from .journal import Journal, Segment
from .loss_alerts import to_draft
from .losses import Cause, Losses
from .origins import Origins
from .pace import Pace
from .publication_traces import PublicationTraces
from .records import batches

FLUSH_ROWS = 2048
FLUSH_SECONDS = 0.25
MANY = 16
"""Where so many deployments answer at a time, those that answer little are waited for: an event costs much more than
another row of it."""
ROWS_OF_EACH = 8
BEHIND_BYTES = 4 * 1024 * 1024
"""The thread does not give way to requests while as much waits."""
DRAFTS_AT_ONCE = 64
"""So many events are handed over at a time: what the event log does with them can't be interrupted."""
FLUSH_SECONDS_OF_MANY = 1.0
BATCH_ROWS = 1024
BATCH_BYTES = 256 * 1024
RETRY_SECONDS = (0.5, 1.0, 2.0, 5.0)
PAUSE_SECONDS = 1.0
ALERT_SECONDS = 60.0
"""Alerts of losses that go on come no more often."""

LOG = get_logger("fairlead.serving.log")


class PredictionPublisher:
    """Publishes within 250 ms or 2,048 rows, or within a second where many deployments answer a few rows each.

    What the event log does not take stays in the journal.
    """

    def __init__(self, journal: Journal, losses: Losses, events: EventLog, traces: PublicationTraces) -> None:
        """Begin with what an earlier process left."""
        self._journal = journal
        self._losses = losses
        self._events = events
        self._traces = traces
        self._origins = Origins()
        self._lock = Lock()
        self._losing = False
        self._failed = ""
        self._alerted = -ALERT_SECONDS
        self._pending, self._full, self._closing = Flag(), Flag(), Flag()
        self._pace = Pace(self._hurries)
        if journal.size or losses:
            self._pending.set()
        self._thread = Thread(target=self._run, name="prediction-log", daemon=True)
        self._thread.start()

    def wake(self, segment: Segment) -> None:
        """Tell that something was appended to a segment."""
        # No lock, for each request comes here: both flags are cleared before the segment is sealed, so that whoever
        # finds one set has appended to what will be sealed.
        if segment.rows >= FLUSH_ROWS and not self._full.is_set() and segment.rows >= ROWS_OF_EACH * len(segment.tally):
            self._full.set()
        if not self._pending.is_set():
            self._pending.set()

    def begins_to_lose(self) -> bool:
        """Tell that predictions are lost; return whether this is the first since the event log took some."""
        self._pending.set()
        with self._lock:
            began, self._losing = not self._losing, True
        return began

    def close(self) -> None:
        """Publish what is left, once; what is not taken stays on disk."""
        self._closing.set()
        self._full.set()
        self._pending.set()
        self._thread.join()

    def _run(self) -> None:
        going = True
        while going:
            self._pending.wait(ALERT_SECONDS if self._losses else None)
            if not self._full.wait(FLUSH_SECONDS) and self._journal.gathering() >= MANY:
                self._full.wait(FLUSH_SECONDS_OF_MANY - FLUSH_SECONDS)
            # Cleared before sealing: what is appended from here on asks for another round.
            self._pending.clear()
            self._full.clear()
            closing = self._closing.is_set()
            try:
                self._journal.seal()
                going = self._publish_sealed() and not closing
                self._failed = ""
            except Exception as error:  # noqa: BLE001 - whatever it is, what comes later must be published
                self._tell_failure(error)
                going = not closing
                self._pending.set()
                self._closing.wait(PAUSE_SECONDS)

    def _tell_failure(self, error: Exception) -> None:
        """Log a failure once while it goes on, without its text, which may have values of rows."""
        *_, frame = traceback.extract_tb(error.__traceback__)
        failed = f"{type(error).__name__} in {frame.filename}:{frame.lineno}"
        if failed != self._failed:
            LOG.error("publishing the prediction log failed; what is on disk is tried again", error=failed)
        self._failed = failed

    def _publish_sealed(self) -> bool:
        """Publish what is sealed, and tell what was lost; False where the service ends before that."""
        while (segment := self._journal.claim()) is not None:
            if not self._deliver(segment):
                self._losses.save()
                return False
            self._tell_losses()
        self._tell_losses()
        self._losses.save()
        return True

    def _deliver(self, segment: Segment) -> bool:
        contents, identity = self._journal.read(segment)
        unreadable: list[Mark] = []
        name = uuid.UUID(identity)
        drafts: list[Draft] = []
        rows, records = 0, self._paced(contents.records)

        def unread(record: Record) -> None:
            unreadable.append(record.mark)

        for batch in batches(records, BATCH_ROWS, BATCH_BYTES, unread, self._origins):
            unusable: list[Mark] = []
            drafts += drafts_of(name, batch, unusable.append)
            rows += batch.rows - sum(mark.rows for mark in unusable)
            unreadable += unusable
            self._pace.step()
            if len(drafts) >= DRAFTS_AT_ONCE:
                if not self._publish_traced(drafts, rows):
                    return False
                drafts, rows = [], 0
                self._pace.step()
        if drafts and not self._publish_traced(drafts, rows):
            return False
        lost = self._journal.damaged(segment, contents)
        for mark in unreadable:
            add(lost, mark.deployment, Span(mark.rows, mark.time_ns, mark.time_ns))
        for deployment, span in lost.items():
            self._losses.add(deployment, span, cause=Cause.DAMAGED)
        # While what was lost is still there: after a crash it is better counted twice than not at all.
        self._losses.save()
        damaged = contents.damaged_rows + sum(mark.rows for mark in unreadable)
        if damaged or unreadable:
            self._set_aside(segment, damaged)
        else:
            self._journal.remove(segment)
        return True

    def _paced(self, records: list[Record]) -> Iterator[Record]:
        for record in records:
            yield record
            self._pace.step()

    def _hurries(self) -> bool:
        return self._journal.size >= BEHIND_BYTES or self._closing.is_set()

    def _publish_traced(self, drafts: list[Draft], rows: int) -> bool:
        with self._traces.publication(drafts, rows):
            return self._publish(drafts, rows)

    def _publish(self, drafts: list[Draft], rows: int) -> bool:
        """Publish, trying until the event log takes it; False where the service ends before that."""
        for delay in itertools.chain(RETRY_SECONDS, itertools.repeat(RETRY_SECONDS[-1])):
            try:
                self._events.publish_many(topics.PREDICTIONS, drafts)
                break
            except InvalidArgument as error:
                # It will never take these as they are: what is wrong with one must not hold up the others.
                if len(drafts) > 1:
                    return all(self._publish([draft], _rows(draft)) for draft in drafts)
                self._refuse(drafts[0], error)
                return True
            except Exception:
                if delay == RETRY_SECONDS[0]:
                    SPOOLED.inc(rows)
                    LOG.exception("the event log is away; predictions wait on disk", rows=rows)
            self._losses.save()
            if self._closing.wait(delay):
                return False
        with self._lock:
            self._losing = False
        LOGGED.inc(rows)
        return True

    def _refuse(self, draft: Draft, error: InvalidArgument) -> None:
        """Count an event that the event log will never take."""
        rows = _rows(draft)
        for deployment, span in _spans(draft).items():
            self._losses.add(deployment, span, cause=Cause.REJECTED)
        DROPPED.labels("refused").inc(rows)
        LOG.error("the event log refuses predictions for what they are", key=draft.key, rows=rows, error=error.message)

    def _set_aside(self, segment: Segment, damaged: int) -> None:
        # What can't be read, or be an event, must not hold up what comes after it; a person may look at the file.
        LOG.error(
            "predictions can't be read back from disk, or not be published as what they are; their file is set aside "
            "under the suffix .broken",
            segment=str(segment.path),
            rows=damaged,
        )
        DROPPED.labels("damaged").inc(damaged)
        self._journal.set_aside(segment)

    def _tell_losses(self) -> None:
        """Publish alerts of what was lost, now that the event log takes events; once a minute while it goes on."""
        now = time.monotonic()
        if not self._losses or (now - self._alerted < ALERT_SECONDS and not self._closing.is_set()):
            return
        try:
            losses = self._losses.tell()
            time_of_alert = datetime.now(UTC)
            drafts = [to_draft(loss, self._journal.max_bytes, time_of_alert) for loss in losses]
            self._events.publish_many(topics.ALERTS, drafts)
            self._losses.told()
        except Exception:
            LOG.exception("an alert of lost predictions could not be published; it is tried again")
            return
        self._alerted = now
        for draft in drafts:
            LOG.warning("an alert was raised", deployment=draft.key, alert=draft.id)


def _spans(draft: Draft) -> Tally:
    tally: Tally = {}
    if isinstance(draft.message, events_pb2.PredictionBatch):
        for request in draft.message.requests:
            time_ns = request.time.ToNanoseconds()
            add(tally, draft.message.deployment, Span(request.row_count, time_ns, time_ns))
    return tally


def _rows(draft: Draft) -> int:
    return rows_of(_spans(draft))
