"""Alerts as the REST API tells them."""

from __future__ import annotations

from datetime import UTC, datetime

from fairlead.api.drift.v1 import monitor_pb2
from services.gateway.convert import instant
from services.gateway.schemas.monitor import Alert


def test_an_alert_of_predictions_that_were_not_logged_tells_how_many_and_when() -> None:
    lost = monitor_pb2.UnloggedPredictions(
        row_count=1234,
        first_time=instant(datetime(2026, 1, 31, 17, 1, 3, tzinfo=UTC)),
        last_time=instant(datetime(2026, 1, 31, 17, 6, 3, tzinfo=UTC)),
        refused=True,
    )
    kind = monitor_pb2.ALERT_KIND_PREDICTIONS_NOT_LOGGED

    told = Alert.of(monitor_pb2.Alert(kind=kind, message="1,234 predictions", unlogged_predictions=lost)).model_dump()

    assert (told["kind"], told["message"], told["columns"], told["report"]) == (
        "predictions_not_logged",
        "1,234 predictions",
        [],
        "",
    )
    assert told["unlogged_predictions"] == {
        "row_count": 1234,
        "first_time": "2026-01-31T17:01:03.000Z",
        "last_time": "2026-01-31T17:06:03.000Z",
        "refused": True,
    }


def test_an_alert_of_drift_tells_of_no_lost_predictions() -> None:
    told = Alert.of(monitor_pb2.Alert(severity=monitor_pb2.SEVERITY_WARNING))

    assert (told.kind, told.unlogged_predictions) == ("unspecified", None)
