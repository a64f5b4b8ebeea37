"""`fairlead deployments experiment`."""

from __future__ import annotations

from typing import Annotated

import typer

from fairlead.cli.context import AsJson, client_of
from fairlead.cli.output import console, print_json, print_table, show, show_time
from fairlead.client import Json
from fairlead.client.names import id_of, short_name


def experiment(
    context: typer.Context,
    deployment: Annotated[str, typer.Argument(help="A deployment; `fairlead deployments list` shows them.")],
    number: Annotated[int | None, typer.Option(min=1, help="An earlier experiment; the newest when left out.")] = None,
    as_json: AsJson = False,
) -> None:
    """Compare the versions that share a deployment's requests, by the truths that came back; look as often as you like.

    An experiment begins when the split gets other versions; a change of shares alone goes on with it.
    """
    with client_of(context) as client:
        found = client.experiments.get(deployment, number)
    if as_json:
        print_json(found)
        return
    since, until = show_time(found["begin_time"]), show_time(found["end_time"])
    ended = f" to {until}" if until else ""
    console.print(f"[bold]experiment {found['number']}[/] of {id_of(found['deployment'])} since {since}{ended}")
    _print_arms(found["arms"])
    _print_differences(found["comparisons"])
    sentences = [comparison["message"] for comparison in found["comparisons"]] or [found["summary"]]
    for sentence in sentences:
        console.print(sentence, markup=False, highlight=False)


def _print_arms(arms: list[Json]) -> None:
    metrics = list(dict.fromkeys(metric["metric"] for arm in arms for metric in arm["metrics"]))
    rows = []
    for arm in arms:
        told = {metric["metric"]: _with_interval(metric, metric["value"]) for metric in arm["metrics"]}
        answered = arm["row_count"], arm["feedback_row_count"], arm["feedback_request_count"]
        share = "" if arm["shadow"] else f"{arm['percent']:g}%"
        rows.append((short_name(arm["model_version"]), _role(arm), share, *answered, *(told.get(m) for m in metrics)))
    print_table(["version", "role", "share", "rows", "truths", "of requests", *metrics], rows)
    logged = [arm for arm in arms if arm["estimated_row_count"] != arm["row_count"]]
    if logged:
        counts = ", ".join(f"{short_name(arm['model_version'])} {show(arm['estimated_row_count'])}" for arm in logged)
        console.print(f"The log is sampled: rows are of the log, of about {counts} that were answered", style="dim")


def _print_differences(comparisons: list[Json]) -> None:
    rows = [
        (
            f"{short_name(comparison['model_version'])}{' (shadow)' if comparison['shadow'] else ''}",
            difference["metric"],
            _with_interval(difference, difference["difference"]),
            difference["p_value"],
        )
        for comparison in comparisons
        for difference in comparison["differences"]
    ]
    if rows:
        print_table(["less the champion", "metric", "difference", "p-value"], rows)


def _role(arm: Json) -> str:
    if arm["shadow"]:
        return "shadow"
    return "champion" if arm["champion"] else "challenger"


def _with_interval(interval: Json, value: float | None) -> str:
    if interval["lower"] is None or interval["upper"] is None:
        return show(value)
    return f"{show(value)} ({show(interval['lower'])} to {show(interval['upper'])})"
