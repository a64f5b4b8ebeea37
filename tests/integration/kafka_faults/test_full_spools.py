"""Serving whose spool is full while the broker is away: what each policy gives up is counted exactly, and alerted."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from itertools import groupby

import pytest

from fairlead.api.drift.v1 import monitor_pb2
from fairlead.api.events.v1 import events_pb2
from fairlead.kit.events import EventLog, open_event_log, topics
from tests import waiting
from tests.integration.kafka_faults.callers import Caller, Callers
from tests.integration.kafka_faults.house import VERSION, metric, serving_on
from tests.integration.kafka_faults.logged import Logged, logged
from tests.servers.kafka import KafkaBroker
from tests.unit.serving.running import RunningService

POLICIES = ("drop_oldest", "drop_newest", "refuse")
SPOOL_MB, ROWS, REQUESTS = 1, 200, 300
OLDEST = "fairlead_prediction_log_oldest_seconds"
DROPPED, REFUSED = "fairlead_prediction_log_dropped_total", "fairlead_prediction_log_refused_total"


@dataclass(frozen=True)
class Outcome:
    """What the caller of one service was answered, and what the service, the log and the alerts say of it."""

    name: str
    answered: list[str]
    refused: int
    log: Logged
    dropped_rows: float
    refused_rows: float
    alerts: list[monitor_pb2.Alert]
    errors: int
    """Times that the service told of the loss as an error in its own log."""


def fill(service: RunningService, deployment: str) -> Caller:
    """Send more than the spool takes."""
    with Callers(service, [deployment], rows=ROWS, pace=1000, most=REQUESTS) as callers:
        callers.join()
    return callers.callers[0]


def outcome(policy: str, service: RunningService, caller: Caller, log: EventLog) -> Outcome:
    name = f"projects/p/deployments/{caller.deployment}"
    alerts = [event.unpack(events_pb2.AlertRaised).alert for event in log.replay(topics.ALERTS, key=name)]
    reason = policy if policy.startswith("drop") else "drop_oldest"
    assert service.stderr is not None
    errors = [json.loads(line) for line in service.stderr.read_text().splitlines() if "not logged any more" in line]
    assert all((error["level"], error["policy"]) == ("error", policy) for error in errors)
    return Outcome(
        name,
        caller.answered,
        len(caller.refused),
        logged(log, name),
        metric(service, DROPPED, reason=reason),
        metric(service, REFUSED),
        alerts,
        len(errors),
    )


@pytest.fixture(scope="module")
def outcomes(broker: KafkaBroker, tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Outcome]]:
    """One service a policy, all on the same broker, which is away while their spools fill."""
    with ExitStack() as stack:
        log = open_event_log(f"kafka://{broker.bootstrap}", source="test")
        stack.callback(log.close)
        services: dict[str, RunningService] = {}
        for policy in POLICIES:
            folder = tmp_path_factory.mktemp(policy)
            settings = {"FAIRLEAD_SERVING_LOG_SPOOL_MB": str(SPOOL_MB), "FAIRLEAD_SERVING_LOG_FULL": policy}
            service = services[policy] = serving_on(broker, folder, **settings)
            stack.callback(service.close)
            service.stderr = folder / "serving.log"
            service.spawn()
        for policy, service in services.items():
            service.wait_until_ready()
            service.deploy(policy.replace("_", "-"), VERSION)
        broker.kill()
        callers = {policy: fill(service, policy.replace("_", "-")) for policy, service in services.items()}
        broker.start()
        for service in services.values():
            waiting.until(lambda service=service: metric(service, OLDEST) == 0, "the end of the backlog")
        found = {policy: outcome(policy, services[policy], callers[policy], log) for policy in POLICIES}
        for policy, each in found.items():
            print(
                f"\n{policy}: {REQUESTS * ROWS:,} rows sent to a spool of {SPOOL_MB} MB, "
                f"{len(each.answered) * ROWS:,} answered, {each.log.rows:,} logged, counted: {each.dropped_rows:,.0f} "
                f"dropped, {each.refused_rows:,.0f} refused; {', '.join(alert.message for alert in each.alerts)}"
            )
        yield found


@pytest.mark.parametrize("policy", ["drop_oldest", "drop_newest"])
def test_all_are_answered_and_what_is_dropped_is_counted_exactly(outcomes: dict[str, Outcome], policy: str) -> None:
    found = outcomes[policy]
    assert (len(found.answered), found.refused, found.refused_rows) == (REQUESTS, 0, 0)
    assert found.log.repeated_requests == []
    assert found.dropped_rows == REQUESTS * ROWS - found.log.rows > 0


def test_the_oldest_are_dropped_but_for_what_was_being_published(outcomes: dict[str, Outcome]) -> None:
    found = outcomes["drop_oldest"]
    ids = set(found.log.ids)
    runs = [(is_kept, len(list(run))) for is_kept, run in groupby(each in ids for each in found.answered)]
    *before, (is_newest_kept, _) = runs
    assert is_newest_kept
    # What is being published stays where it is, and it may be the first of all, or the oldest of a later try.
    published = [count for is_kept, count in before if is_kept]
    assert len(published) <= 1
    assert sum(published) < sum(count for is_kept, count in before if not is_kept)


def test_the_newest_are_dropped(outcomes: dict[str, Outcome]) -> None:
    found = outcomes["drop_newest"]
    assert found.log.ids == found.answered[: len(found.log.ids)]


def test_what_can_not_be_logged_is_refused_and_what_was_answered_is_logged(outcomes: dict[str, Outcome]) -> None:
    found = outcomes["refuse"]
    assert len(found.answered) + found.refused == REQUESTS
    assert found.log.ids == found.answered
    assert found.refused_rows == found.refused * ROWS > 0
    assert found.dropped_rows == 0


@pytest.mark.parametrize("policy", POLICIES)
def test_one_error_and_one_alert_tell_of_it(outcomes: dict[str, Outcome], policy: str) -> None:
    found = outcomes[policy]
    assert found.errors == 1
    (alert,) = found.alerts
    told = alert.unlogged_predictions
    assert (alert.deployment, alert.severity) == (found.name, monitor_pb2.SEVERITY_CRITICAL)
    assert alert.kind == monitor_pb2.ALERT_KIND_PREDICTIONS_NOT_LOGGED
    assert (told.row_count, told.refused) == (found.dropped_rows + found.refused_rows, policy == "refuse")
    assert told.first_time.ToNanoseconds() < told.last_time.ToNanoseconds()
    assert alert.message.startswith(f"{told.row_count:,} predictions of {found.name} between 2")
    assert f"the spool of {SPOOL_MB} MB on disk was full" in alert.message
