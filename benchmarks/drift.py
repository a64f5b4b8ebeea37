"""Seconds to judge a window of 100,000 x 50 against its reference, against scipy doing the like in the same run.

The peer keeps both tables in memory and takes `ks_2samp` and `wasserstein_distance` of each numeric column and
`chi2_contingency` of each column of texts. Fairlead keeps counts only: it sketches the window in one pass and takes
all five statistics with the verdict. Printed as well: what the window costs by the row when it comes as single
requests through the event log's messages and the database. Usage: python -m benchmarks.drift
"""

from __future__ import annotations

import statistics
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
from prometheus_client import CollectorRegistry
from scipy import stats

from fairlead.api.events.v1 import events_pb2
from fairlead.api.serving.v1 import deployment_pb2
from fairlead.kit.blobs import open_blob_store
from fairlead.kit.database import migrate, open_database
from fairlead.kit.events import Draft, open_event_log, topics
from services.drift.__main__ import MIGRATIONS
from services.drift.adapters.metrics import Metrics
from services.drift.adapters.reference_reader import read_reference
from services.drift.adapters.references import BlobReferences
from services.drift.adapters.state_json import dump_watch
from services.drift.adapters.version_store import VersionStore
from services.drift.deployments import Deployments
from services.drift.domain.judge import judge
from services.drift.domain.policy import Policy
from services.drift.domain.reference import Reference
from services.drift.domain.watch import Watch
from services.drift.domain.window import sketch_rows
from services.drift.intake import Intake
from services.drift.settings import DriftSettings
from tests.unit.drift import events as made
from tests.unit.drift.capture import Table, capture, take

ROWS, NUMBERS, TEXTS, RUNS = 100_000, 40, 10, 5
REQUESTS = 20_000


class Nobody:
    """Stands where serving is asked; every version is known here."""

    def find(self, deployment: str) -> deployment_pb2.Deployment | None:  # noqa: ARG002 - the port's signature
        return None


def mixed_table(seed: int, rows: int = ROWS) -> Table:
    """Return numbers of several shapes, some missing, and texts of 5 to 50 values."""
    draw = np.random.default_rng(seed)
    table: Table = {}
    for i in range(NUMBERS):
        values = draw.normal(i, 1 + i, rows) if i % 2 else draw.integers(0, 10 ** (1 + i % 4), rows).astype(float)
        if i % 4 == 0:
            values[draw.random(rows) < 0.05] = np.nan
        table[f"number_{i}"] = values
    for i in range(TEXTS):
        names = np.array([f"level {n}" for n in range(5 * (i + 1))], dtype=object)
        table[f"text_{i}"] = names[draw.integers(0, len(names), rows)].tolist()
    return table


def judge_with_fairlead(reference: Reference, window: Table) -> dict[str, dict[str, float]]:
    """Sketch the window, take all statistics and the verdict; return the scores by column."""
    verdict = judge(reference, sketch_rows(reference, window, [], ROWS), Policy())
    return {each.column: {score.statistic: score.value for score in each.scores} for each in verdict.columns}


def judge_with_scipy(reference: Table, window: Table) -> dict[str, dict[str, float]]:
    """Take two statistics of each numeric column and one of each column of texts; return the scores by column."""
    found: dict[str, dict[str, float]] = {}
    for name, values in window.items():
        if isinstance(values, np.ndarray):
            training = np.asarray(reference[name], dtype=np.float64)
            before, after = training[~np.isnan(training)], values[~np.isnan(values)]
            ks = stats.ks_2samp(before, after, method="asymp").statistic
            distance = stats.wasserstein_distance(before, after) / before.std()
            found[name] = {"ks": float(ks), "wasserstein": float(distance)}
        else:
            ours, theirs = Counter(reference[name]), Counter(values)
            table = [[count[text] for text in ours | theirs] for count in (ours, theirs)]
            found[name] = {"chi_squared": float(stats.chi2_contingency(table).statistic)}
    return found


def seconds(work: Callable[[], object]) -> float:
    """Return the median time of a few runs."""
    taken = []
    for _ in range(RUNS):
        start = time.perf_counter()
        work()
        taken.append(time.perf_counter() - start)
    return statistics.median(taken)


def rows_per_second() -> float:
    """Return how many single-row requests of Adult a second go through intake, in batches of 200."""
    adult = made.adult()
    with tempfile.TemporaryDirectory() as folder:
        settings = DriftSettings(home=Path(folder))
        engine = open_database(settings.database_url)
        migrate(engine, MIGRATIONS)
        events = open_event_log(settings.events_url, source="benchmark")
        blobs = open_blob_store(settings.blobs_url, settings.home / "cache")
        versions, metrics = VersionStore(), Metrics(CollectorRegistry())
        deployments = Deployments(
            versions, BlobReferences(blobs), settings.policy, now=lambda: datetime.now(UTC), reset=metrics.forget
        )
        intake = Intake(
            engine, events, deployments, versions, Nobody(), metrics, settings, now=lambda: datetime.now(UTC)
        )
        key = made.put_reference(blobs, settings.home / "package", "models/m1", made.adult_reference(adult))
        change = events_pb2.DeploymentChanged(deployment=made.deployment(key))
        events.publish(topics.DEPLOYMENTS, made.DEPLOYMENT, change)
        intake.take_deployments(list(events.replay(topics.DEPLOYMENTS)))
        rows = take(adult, np.arange(REQUESTS))
        messages = [Draft(made.DEPLOYMENT, batch) for batch in made.batches(rows, 200)]
        events.publish_many(topics.PREDICTIONS, messages)
        waiting = list(events.replay(topics.PREDICTIONS))
        start = time.perf_counter()
        intake.take_traffic(waiting)
        taken = time.perf_counter() - start
        events.close()
        engine.dispose()
    return REQUESTS / taken


def main() -> None:
    """Measure and print."""
    training, window = mixed_table(1), mixed_table(2)
    window["number_1"] = np.asarray(window["number_1"]) + 1
    reference = read_reference(capture(training))
    ours, theirs = judge_with_fairlead(reference, window), judge_with_scipy(training, window)
    pairs = [(ours[name][key], value) for name, scores in theirs.items() for key, value in scores.items()]
    gap = max(abs(a - b) / max(b, 1.0) for a, b in pairs)
    fairlead = seconds(lambda: judge_with_fairlead(reference, window))
    scipy = seconds(lambda: judge_with_scipy(training, window))
    kept = len(dump_watch(Watch(sketch_rows(reference, window, [], ROWS)))) / 1024
    print(f"window of {ROWS:,} x {NUMBERS + TEXTS} judged ({RUNS} runs, median)")
    print(f"  fairlead, five statistics and verdict, no row kept   {fairlead:7.3f} s")
    print(f"  scipy, KS and Wasserstein or chi-squared, all rows   {scipy:7.3f} s")
    print(f"  ratio scipy / fairlead                               {scipy / fairlead:7.2f}")
    print(f"  largest difference of the scores both have           {gap:7.3f}")
    print(f"  state of the window                                  {kept:7.0f} KiB")
    print(f"single-row requests through intake and database        {rows_per_second():7.0f} rows/s")


if __name__ == "__main__":
    main()
