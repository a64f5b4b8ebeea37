"""What is counted of the prediction log."""

from __future__ import annotations

import time

from prometheus_client import Counter, Gauge

from ..log.journal import Journal

LOGGED = Counter("fairlead_prediction_log_logged_total", "Predicted rows published to the event log.")
SPOOLED = Counter("fairlead_prediction_log_spooled_total", "Predicted rows that waited on disk for the event log.")
DROPPED = Counter(
    "fairlead_prediction_log_dropped_total",
    "Answered rows that the log lacks, by reason: drop_oldest and drop_newest (the spool was full), disk (it did not "
    "take them), damaged (they could not be read back), refused (the event log would not have them).",
    ["reason"],
)
REFUSED = Counter(
    "fairlead_prediction_log_refused_total",
    "Rows that were predicted and not answered, since they could not be logged.",
)
BYTES = Gauge("fairlead_prediction_log_spool_bytes", "Bytes of predictions on disk that are not published yet.")
OLDEST = Gauge(
    "fairlead_prediction_log_oldest_seconds", "Age of the oldest prediction that is not published yet; 0 for none."
)

for _reason in ("drop_oldest", "drop_newest", "disk", "damaged", "refused"):
    DROPPED.labels(_reason)


def watch(journal: Journal) -> None:
    """Let the gauges tell of a journal."""

    def age() -> float:
        oldest = journal.oldest_ns()
        return 0.0 if oldest is None else max(0.0, time.time() - oldest * 1e-9)

    BYTES.set_function(lambda: float(journal.size))
    OLDEST.set_function(age)
