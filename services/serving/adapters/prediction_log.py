"""The prediction log: a local journal that callers write to, and a thread that publishes it.

An answered request is in the journal before its caller has the answer, so a killed process loses none; the thread
publishes within 100 ms or 256 rows, and removes what is published. While the event log is away the journal grows to
its limit and is published in order afterwards. A crash between publishing and removing repeats a segment: consumers
tell repetitions by the request id.
"""

from __future__ import annotations

import itertools
from pathlib import Path
from threading import Event as Flag
from threading import Lock, Thread

from prometheus_client import Counter

from fairlead.kit.events import Draft, EventLog, topics
from fairlead.kit.logging import get_logger

from ..domain.columns import Columns
from ..domain.model import Model
from ..domain.prediction import Prediction
from ..domain.prediction_log import Batch
from .journal import Journal, JournalFull, read_segment
from .log_records import batches, encode, encode_head
from .prediction_events import to_event

FLUSH_ROWS = 256
FLUSH_SECONDS = 0.1
BATCH_ROWS = 1024
RETRY_SECONDS = (0.5, 1.0, 2.0, 5.0)
PAUSE_SECONDS = 1.0

LOGGED = Counter("fairlead_prediction_log_logged_total", "Predicted rows published to the event log.")
DROPPED = Counter(
    "fairlead_prediction_log_dropped_total",
    "Predicted rows that the disk refused, and requests that could not be read back from it.",
)
SPOOLED = Counter("fairlead_prediction_log_spooled_total", "Predicted rows that waited on disk for the event log.")

LOG = get_logger("fairlead.serving.log")
_NO_HEAD = ("", b"")


class JournaledPredictionLog:
    """Implements the domain's PredictionLog."""

    def __init__(self, journal: Journal, events: EventLog) -> None:
        """Publish what an earlier process left, then what is appended."""
        self._journal = journal
        self._events = events
        self._heads: dict[str, tuple[str, bytes]] = {}
        self._published: set[Path] = set()
        self._lock = Lock()
        self._rows = 0
        self._dropping = False
        self._pending, self._full, self._closing = Flag(), Flag(), Flag()
        if journal.sealed():
            self._pending.set()
        self._thread = Thread(target=self._run, name="prediction-log", daemon=True)
        self._thread.start()

    def append(
        self, deployment: str, model: Model, request_id: str, columns: Columns, prediction: Prediction, time_ns: int
    ) -> None:
        """Keep one answered request; what the disk refuses is counted as dropped, and the caller is still answered."""
        version, head = self._heads.get(deployment, _NO_HEAD)
        if version != model.version:
            head = self._remember(deployment, model)
        try:
            self._journal.append(encode(head, request_id, time_ns, columns, prediction))
        except (JournalFull, OSError) as error:
            DROPPED.inc(prediction.rows)
            if not self._dropping:
                self._dropping = True
                LOG.error("predictions are not logged any more", error=str(error))
            return
        with self._lock:
            self._rows += prediction.rows
            rows = self._rows
        if rows >= FLUSH_ROWS:
            self._full.set()
        self._pending.set()

    def forget(self, deployment: str) -> None:
        """Keep nothing in memory for a deployment that ended; what it answered is published all the same."""
        self._heads.pop(deployment, None)

    def close(self) -> None:
        """Publish what is left; what the event log refuses stays on disk for the next process."""
        self._closing.set()
        self._full.set()
        self._pending.set()
        self._thread.join()

    def _remember(self, deployment: str, model: Model) -> bytes:
        head = encode_head(deployment, model)
        # Not the model itself, which this would keep in memory after the deployment's end.
        self._heads[deployment] = (model.version, head)
        return head

    def _run(self) -> None:
        going = True
        while going:
            self._pending.wait()
            self._full.wait(FLUSH_SECONDS)
            # Cleared before sealing: what is appended from here on asks for another round.
            self._pending.clear()
            self._full.clear()
            with self._lock:
                self._rows = 0
            closing = self._closing.is_set()
            try:
                self._journal.seal()
                going = all(self._deliver(segment) for segment in self._journal.sealed()) and not closing
            except Exception:
                LOG.exception("publishing the prediction log failed; what is on disk is tried again")
                going = not closing
                self._pending.set()
                self._closing.wait(PAUSE_SECONDS)

    def _deliver(self, segment: Path) -> bool:
        """Publish a segment, trying until the event log takes it; False where the service ends before that."""
        if segment not in self._published:
            found = self._read(segment)
            if found is None:
                return True
            if not self._publish(found):
                return False
            self._published.add(segment)
        self._journal.remove(segment)
        self._published.discard(segment)
        return True

    def _publish(self, found: list[Batch]) -> bool:
        rows = sum(batch.rows for batch in found)
        for delay in itertools.chain(RETRY_SECONDS, itertools.repeat(RETRY_SECONDS[-1])):
            try:
                drafts = [Draft(batch.deployment, to_event(batch)) for batch in found]
                self._events.publish_many(topics.PREDICTIONS, drafts)
                break
            except Exception:
                if delay == RETRY_SECONDS[0]:
                    SPOOLED.inc(rows)
                    LOG.exception("the event log is away; predictions wait on disk", rows=rows)
            if self._closing.wait(delay):
                return False
        self._dropping = False
        LOGGED.inc(rows)
        return True

    def _read(self, segment: Path) -> list[Batch] | None:
        records: list[bytes] = []
        try:
            records.extend(read_segment(segment))
            return list(batches(records, BATCH_ROWS))
        except Exception:
            # What can't be read must not hold up what comes after it; the file is left for a person to look at.
            size = segment.stat().st_size
            LOG.exception(
                "a segment of the prediction log can't be read; it is set aside under the suffix .broken",
                segment=str(segment),
                requests=len(records),
                bytes=size,
            )
            self._journal.set_aside(segment)
            DROPPED.inc(max(1, len(records)))
            return None
