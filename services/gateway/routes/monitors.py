"""Monitors, drift reports and alerts."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Path, Response

from fairlead.api.drift.v1.monitor_pb2 import Monitor as MonitorMessage
from fairlead.api.drift.v1.monitor_pb2 import MonitorPolicy
from fairlead.api.drift.v1.monitor_service_pb2 import (
    GetMonitorRequest,
    ListAlertsRequest,
    ListDriftReportsRequest,
    ListMonitorsRequest,
    UpdateMonitorRequest,
)

from ..documentation import failures
from ..schemas.monitor import (
    Alert,
    AlertPage,
    DriftReport,
    DriftReportPage,
    Monitor,
    MonitorChange,
    MonitorPage,
)
from .parameters import Gateway, IfMatch, PageChoice, Paging, Project, etag_of, quoted

router = APIRouter(prefix="/api/v1/projects/{project_id}", tags=["monitors"])

MonitorId = Annotated[str, Path(description="The monitor's id, which is the deployment's.", examples=["income"])]


@router.get("/monitors", responses=failures(400, 401, 404, 503))
def list_monitors(project: Project, gateway: Gateway, paging: Paging) -> MonitorPage:
    """List a project's monitors by name; each deployment has one."""
    request = ListMonitorsRequest(parent=project, page_size=paging.size, page_token=paging.token)
    answer = gateway.services.monitors.ListMonitors(request)
    return MonitorPage(items=[Monitor.of(each) for each in answer.monitors], next_page_token=answer.next_page_token)


@router.get("/monitors/{monitor_id}", responses=failures(401, 404, 503))
def get_monitor(monitor_id: MonitorId, response: Response, project: Project, gateway: Gateway) -> Monitor:
    """Return one monitor."""
    return _tagged(_get(gateway, f"{project}/monitors/{monitor_id}"), response)


@router.patch("/monitors/{monitor_id}", responses=failures(400, 401, 404, 409, 503))
def update_monitor(
    monitor_id: MonitorId,
    body: MonitorChange,
    response: Response,
    project: Project,
    gateway: Gateway,
    if_match: IfMatch = "",
) -> Monitor:
    """Change a monitor's policy; what is left out stays as it is."""
    name = f"{project}/monitors/{monitor_id}"
    before = _get(gateway, name)
    policy = MonitorPolicy()
    policy.CopyFrom(before.policy)
    for field, value in body.policy.model_dump(exclude_none=True).items():
        setattr(policy, field, value)
    # What was left out must be what was read: without the caller's etag, that of this reading guards it.
    request = UpdateMonitorRequest(name=name, policy=policy, etag=etag_of(if_match) or before.etag)
    return _tagged(gateway.services.monitors.UpdateMonitor(request).monitor, response)


@router.get("/monitors/{monitor_id}/reports", responses=failures(400, 401, 404, 503))
def list_drift_reports(monitor_id: MonitorId, project: Project, gateway: Gateway, paging: Paging) -> DriftReportPage:
    """List a monitor's reports, one a window, newest first."""
    parent = f"{project}/monitors/{monitor_id}"
    request = ListDriftReportsRequest(parent=parent, page_size=paging.size, page_token=paging.token)
    answer = gateway.services.monitors.ListDriftReports(request)
    items = [DriftReport.of(each) for each in answer.drift_reports]
    return DriftReportPage(items=items, next_page_token=answer.next_page_token)


@router.get("/monitors/{monitor_id}/alerts", responses=failures(400, 401, 404, 503))
def list_monitor_alerts(monitor_id: MonitorId, project: Project, gateway: Gateway, paging: Paging) -> AlertPage:
    """List a monitor's alerts, newest first."""
    return _alerts(gateway, f"{project}/monitors/{monitor_id}", paging)


@router.get("/alerts", responses=failures(400, 401, 404, 503))
def list_alerts(project: Project, gateway: Gateway, paging: Paging) -> AlertPage:
    """List the alerts of all monitors of a project, newest first."""
    return _alerts(gateway, project, paging)


def _get(gateway: Gateway, name: str) -> MonitorMessage:
    return gateway.services.monitors.GetMonitor(GetMonitorRequest(name=name)).monitor


def _alerts(gateway: Gateway, parent: str, paging: PageChoice) -> AlertPage:
    request = ListAlertsRequest(parent=parent, page_size=paging.size, page_token=paging.token)
    answer = gateway.services.monitors.ListAlerts(request)
    return AlertPage(items=[Alert.of(each) for each in answer.alerts], next_page_token=answer.next_page_token)


def _tagged(monitor: MonitorMessage, response: Response) -> Monitor:
    response.headers["ETag"] = quoted(monitor.etag)
    return Monitor.of(monitor)
