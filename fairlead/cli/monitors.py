"""`fairlead monitors`."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.text import Text

from fairlead.cli.context import AsJson, client_of
from fairlead.cli.output import console, print_json, print_table, show_time
from fairlead.client import Json
from fairlead.client.names import id_of

app = typer.Typer(help="Watch deployments for drift.", no_args_is_help=True)

_STYLES = {"ok": "green", "warning": "yellow", "critical": "red"}


@app.command("status")
def status(
    context: typer.Context,
    deployment: Annotated[str | None, typer.Argument(help="A deployment; all when left out.")] = None,
    as_json: AsJson = False,
) -> None:
    """Show the monitors, and of one also its newest report and alerts."""
    with client_of(context) as client:
        monitors = client.monitors.list() if deployment is None else [client.monitors.get(deployment)]
        reports = [] if deployment is None else client.monitors.reports(deployment, limit=1)
        alerts = client.monitors.alerts(deployment, limit=5)
    if as_json:
        print_json({"monitors": monitors, "reports": reports, "alerts": alerts})
        return
    print_table(
        ["monitor", "severity", "predictions", "windows", "open window", "alerts", "performance"],
        [
            (
                id_of(m["name"]),
                m["severity"],
                m["prediction_count"],
                m["window_count"],
                f"{m['open_window_rows']:,}/{m['policy']['window_rows']:,}" if m["policy"] else m["open_window_rows"],
                m["alert_count"],
                m["performance"],
            )
            for m in monitors
        ],
    )
    for report in reports:
        print_report(report)
    for alert in alerts:
        told = Text.assemble(
            (alert["severity"], _STYLES.get(alert["severity"], "")), f" {show_time(alert['create_time'])} "
        )
        console.print(told.append(alert["message"]), highlight=False)


@app.command("alerts")
def alerts(
    context: typer.Context,
    deployment: Annotated[str | None, typer.Argument(help="A deployment; all when left out.")] = None,
    limit: Annotated[int, typer.Option(help="How many at most.")] = 50,
    as_json: AsJson = False,
) -> None:
    """List alerts, newest first."""
    with client_of(context) as client:
        found = client.monitors.alerts(deployment, limit)
    if as_json:
        print_json(found)
        return
    print_table(
        ["time", "deployment", "severity", "message"],
        [(show_time(a["create_time"]), id_of(a["deployment"]), a["severity"], a["message"]) for a in found],
    )


def print_report(report: Json) -> None:
    """Print the scores of a window, one column a line."""
    statistics = list(dict.fromkeys(s["statistic"] for c in report["columns"] for s in c["scores"]))
    rows = []
    for column in report["columns"]:
        scores = {score["statistic"]: score["value"] for score in column["scores"]}
        rows.append((column["column"], column["severity"], *(scores.get(s) for s in statistics), column["summary"]))
    print_table(["column", "severity", *statistics, "change"], rows, title=f"window of {report['row_count']:,} rows")
