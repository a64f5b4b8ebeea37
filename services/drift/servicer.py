"""MonitorService over the database."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TypeVar

import grpc
from google.protobuf.message import Message
from sqlalchemy import Engine

from fairlead.api.drift.v1 import monitor_pb2, monitor_service_pb2, monitor_service_pb2_grpc
from fairlead.kit.errors import Aborted, FieldViolation, InvalidArgument
from fairlead.kit.pagination import decode_token, encode_token, page_limit
from fairlead.kit.resources import parse_name

from .adapters import history_store, monitor_store
from .convert import policy_of, to_monitor

PROJECT = "projects/{project}"
MONITOR = "projects/{project}/monitors/{monitor}"

M = TypeVar("M", bound=Message)


class MonitorServicer(monitor_service_pb2_grpc.MonitorServiceServicer):
    """Answers what is known of drift."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def GetMonitor(
        self, request: monitor_service_pb2.GetMonitorRequest, _context: grpc.ServicerContext
    ) -> monitor_service_pb2.GetMonitorResponse:
        """Return one monitor."""
        with self._engine.connect() as connection:
            monitor = monitor_store.get_monitor(connection, _deployment(request.name))
        return monitor_service_pb2.GetMonitorResponse(monitor=to_monitor(monitor))

    def ListMonitors(
        self, request: monitor_service_pb2.ListMonitorsRequest, _context: grpc.ServicerContext
    ) -> monitor_service_pb2.ListMonitorsResponse:
        """Return a page of a project's monitors by name."""
        project = parse_name(PROJECT, request.parent)["project"]
        limit = page_limit(request.page_size)
        with self._engine.connect() as connection:
            found = monitor_store.list_monitors(connection, project, limit + 1, decode_token(request.page_token))
        token = encode_token(found[limit - 1].deployment) if len(found) > limit else ""
        monitors = [to_monitor(monitor) for monitor in found[:limit]]
        return monitor_service_pb2.ListMonitorsResponse(monitors=monitors, next_page_token=token)

    def UpdateMonitor(
        self, request: monitor_service_pb2.UpdateMonitorRequest, _context: grpc.ServicerContext
    ) -> monitor_service_pb2.UpdateMonitorResponse:
        """Replace a monitor's policy; an open window that has its rows by then closes with the next prediction."""
        deployment, policy = _deployment(request.name), policy_of(request.policy)
        with self._engine.begin() as connection:
            monitor_store.lock_monitor(connection, deployment)
            monitor = monitor_store.get_monitor(connection, deployment)
            if request.etag and request.etag != str(monitor.revision):
                raise Aborted(f"'{request.name}' was changed meanwhile; get it again and repeat", resource=request.name)
            changed = replace(monitor, policy=policy, revision=monitor.revision + 1)
            monitor_store.update_monitor(connection, changed)
        return monitor_service_pb2.UpdateMonitorResponse(monitor=to_monitor(changed))

    def ListDriftReports(
        self, request: monitor_service_pb2.ListDriftReportsRequest, _context: grpc.ServicerContext
    ) -> monitor_service_pb2.ListDriftReportsResponse:
        """Return a page of a monitor's reports, newest first."""
        limit, before = page_limit(request.page_size), _sequence(request.page_token)
        with self._engine.connect() as connection:
            monitor = monitor_store.get_monitor(connection, _deployment(request.parent))
            rows = history_store.list_reports(connection, monitor.deployment, limit + 1, before)
        reports, token = _page(rows, limit, monitor_pb2.DriftReport)
        return monitor_service_pb2.ListDriftReportsResponse(drift_reports=reports, next_page_token=token)

    def ListAlerts(
        self, request: monitor_service_pb2.ListAlertsRequest, _context: grpc.ServicerContext
    ) -> monitor_service_pb2.ListAlertsResponse:
        """Return a page of the alerts of a monitor or of a project, newest first."""
        limit, before = page_limit(request.page_size), _sequence(request.page_token)
        with self._engine.connect() as connection:
            if request.parent.count("/") == 1:
                project = parse_name(PROJECT, request.parent)["project"]
                rows = history_store.list_project_alerts(connection, project, limit + 1, before)
            else:
                monitor = monitor_store.get_monitor(connection, _deployment(request.parent))
                rows = history_store.list_alerts(connection, monitor.deployment, limit + 1, before)
        alerts, token = _page(rows, limit, monitor_pb2.Alert)
        return monitor_service_pb2.ListAlertsResponse(alerts=alerts, next_page_token=token)


def _deployment(name: str) -> str:
    """Return the deployment that a monitor's name stands for. Raises InvalidArgument."""
    ids = parse_name(MONITOR, name)
    return f"projects/{ids['project']}/deployments/{ids['monitor']}"


def _sequence(token: str) -> int:
    """Return the sequence a page starts before, 0 for the first page. Raises InvalidArgument."""
    value = decode_token(token)
    if value and not value.isdecimal():
        raise InvalidArgument(
            "page_token was not made by this method; start again without one",
            violations=[FieldViolation("page_token", "not a token of this method")],
        )
    return int(value or 0)


def _page(rows: Sequence[tuple[int, bytes]], limit: int, message_class: type[M]) -> tuple[list[M], str]:
    messages = []
    for _, payload in rows[:limit]:
        message = message_class()
        message.ParseFromString(payload)
        messages.append(message)
    return messages, encode_token(str(rows[limit - 1][0])) if len(rows) > limit else ""
