"""Messages as serving publishes them, made of real rows."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np

from fairlead.api.common.v1 import table_pb2
from fairlead.api.drift.v1 import monitor_pb2, reference_pb2
from fairlead.api.events.v1 import events_pb2
from fairlead.api.serving.v1 import deployment_pb2
from fairlead.kit.blobs import BlobStore
from services.drift.domain.window import Values
from tests.unit.drift.capture import Table, capture, read_table, row_count, take, write_package

DEPLOYMENT = "projects/demo/deployments/income"
MONITOR = "projects/demo/monitors/income"
VERSION_1 = "projects/demo/models/income/versions/1"
VERSION_2 = "projects/demo/models/income/versions/2"
NOON = datetime(2026, 1, 31, 12, tzinfo=UTC)
CLASSES = ("<=50K", ">50K")


def adult() -> Table:
    """Return Adult with its label as the columns a binary model would answer with: label and last class's score."""
    table = read_table("adult/adult.csv")
    labels = list(table.pop("income-per-year"))
    education = np.asarray(table["education-num"], dtype=np.float64)
    right = np.array([label == CLASSES[1] for label in labels])
    # A stand-in for a model: a score that rises with education and with being right.
    table["score"] = np.clip(education / 32 + right * 0.4, 0, 1)
    return table


def older(table: Table) -> Table:
    """Return the rows with everybody 15 years older and working twice the hours."""
    ages, hours = np.asarray(table["age"], dtype=np.float64), np.asarray(table["hours-per-week"], dtype=np.float64)
    return table | {"age": ages + 15, "hours-per-week": hours * 2}


def put_reference(blobs: BlobStore, folder: Path, key: str, reference: reference_pb2.Reference) -> str:
    """Store a model package that holds the reference; return the reference's key."""
    write_package(folder, reference)
    return f"{blobs.put_folder(folder, key)}/reference.json"


def adult_reference(table: Table) -> reference_pb2.Reference:
    return capture(table, prediction="score")


def deployment(
    reference_blob: str, version: str = VERSION_1, update_time: datetime = NOON
) -> deployment_pb2.Deployment:
    message = deployment_pb2.Deployment(
        name=DEPLOYMENT,
        model_version=version,
        state=deployment_pb2.DEPLOYMENT_STATE_READY,
        reference_blob=reference_blob,
    )
    message.update_time.FromDatetime(update_time)
    return message


def batch(
    rows: Table, *, first: int = 0, version: str = VERSION_1, request_rows: int = 1
) -> events_pb2.PredictionBatch:
    """Return the rows as one batch of requests request-{first}, request-{first + 1}, ...; one second each."""
    scores = np.asarray(rows["score"], dtype=np.float64)
    message = events_pb2.PredictionBatch(
        deployment=DEPLOYMENT,
        model_version=version,
        classes=CLASSES,
        task_type=table_pb2.TASK_TYPE_BINARY,
        probabilities=np.column_stack((1 - scores, scores)).ravel().tolist(),
        prediction=text_column("prediction", [CLASSES[int(score >= 0.5)] for score in scores]),
        inputs=[column(name, values) for name, values in rows.items() if name != "score"],
    )
    for start in range(0, row_count(rows), request_rows):
        number = first + start // request_rows
        request = message.requests.add(
            request_id=f"request-{number}", row_count=min(request_rows, row_count(rows) - start)
        )
        request.time.FromDatetime(NOON + timedelta(seconds=number))
    return message


def batches(
    rows: Table, size: int, *, first: int = 0, version: str = VERSION_1
) -> Iterator[events_pb2.PredictionBatch]:
    """Return the rows in batches of `size` requests of one row."""
    total = row_count(rows)
    for start in range(0, total, size):
        part = take(rows, np.arange(start, min(start + size, total)))
        yield batch(part, first=first + start, version=version)


def column(name: str, values: Values) -> table_pb2.Column:
    if isinstance(values, np.ndarray):
        return table_pb2.Column(name=name, numbers=table_pb2.NumberColumn(values=values.tolist()))
    return text_column(name, list(values))


def text_column(name: str, values: list[str]) -> table_pb2.Column:
    return table_pb2.Column(name=name, texts=table_pb2.TextColumn(values=values))


def feedback(truths: Mapping[str, str]) -> events_pb2.FeedbackBatch:
    """Return truths of the first rows of requests, by request id."""
    return events_pb2.FeedbackBatch(
        deployment=DEPLOYMENT,
        feedbacks=[events_pb2.Feedback(request_id=name, row=0, value=value) for name, value in truths.items()],
    )


def not_logged(rows: int, id: str = "1", deployment: str = DEPLOYMENT) -> events_pb2.AlertRaised:
    """Return the alert of serving that predictions are not in the log."""
    alert = monitor_pb2.Alert(
        name=f"{deployment.replace('/deployments/', '/monitors/')}/alerts/log-{id}",
        deployment=deployment,
        severity=monitor_pb2.SEVERITY_CRITICAL,
        message=f"{rows:,} predictions of {deployment} between ... were answered and not logged: ...",
        kind=monitor_pb2.ALERT_KIND_PREDICTIONS_NOT_LOGGED,
    )
    alert.create_time.FromDatetime(NOON)
    lost = alert.unlogged_predictions
    lost.row_count = rows
    lost.first_time.FromDatetime(NOON - timedelta(minutes=5))
    lost.last_time.FromDatetime(NOON - timedelta(minutes=1))
    return events_pb2.AlertRaised(alert=alert)


def sample(table: Table, rows: int, seed: int) -> Table:
    """Return rows drawn at random."""
    return take(table, np.random.default_rng(seed).choice(row_count(table), rows, replace=False))


def in_parts(whole: events_pb2.PredictionBatch, *sizes: int) -> Iterator[events_pb2.PredictionBatch]:
    """Return a batch of one request as serving publishes it where its rows are too many bytes for one event."""
    (request,) = whole.requests
    classes = len(whole.classes)
    first = 0
    for size in sizes:
        rows = slice(first, first + size)
        part = events_pb2.PredictionBatch(
            deployment=whole.deployment,
            model_version=whole.model_version,
            classes=whole.classes,
            task_type=whole.task_type,
            probabilities=whole.probabilities[rows.start * classes : rows.stop * classes],
            prediction=_rows(whole.prediction, rows),
            inputs=[_rows(column, rows) for column in whole.inputs],
        )
        part.requests.add(request_id=request.request_id, row_count=size, time=request.time, first_row=first)
        yield part
        first += size


def _rows(column: table_pb2.Column, rows: slice) -> table_pb2.Column:
    if column.WhichOneof("values") == "texts":
        return text_column(column.name, list(column.texts.values[rows]))
    return table_pb2.Column(name=column.name, numbers=table_pb2.NumberColumn(values=column.numbers.values[rows]))
