"""`fairlead events`: topics of the event log, how far consumers are, and what they could not use.

For operators: it speaks to the event log itself, where FAIRLEAD_EVENTS_URL says, not to the gateway.
"""

from __future__ import annotations

from dataclasses import asdict
from datetime import timedelta
from typing import Annotated

import typer

from fairlead.cli.context import AsJson
from fairlead.cli.operating import operating
from fairlead.cli.output import console, print_json, print_table, show_time

app = typer.Typer(help="Topics and consumers of the event log (for operators).", no_args_is_help=True)


@app.command("setup")
def setup(as_json: AsJson = False) -> None:
    """Make the topics that the services use, with their partitions, replicas and retention; safe to repeat."""
    with operating("kit"):
        from fairlead.admin import events

        plans = events.setup()
        place = events.place()
    if as_json:
        print_json([asdict(plan) for plan in plans])
    elif not plans:
        console.print(f"Nothing to do: the event log is {place}, where topics make themselves.", markup=False)
    else:
        rows = [(plan.name, plan.partitions, _days(plan.retention_ms), plan.note) for plan in plans]
        print_table(["topic", "partitions", "retention", "outcome"], rows, place)


@app.command("topics")
def topics(as_json: AsJson = False) -> None:
    """Show how much each topic holds."""
    with operating("kit"):
        from fairlead.admin import events

        sizes = events.topic_sizes()
    if as_json:
        print_json([asdict(size) for size in sizes])
        return
    rows = [(size.name, size.partitions, size.events, size.end) for size in sizes]
    print_table(["topic", "partitions", "events kept", "events ever"], rows)


@app.command("lag")
def lag(as_json: AsJson = False) -> None:
    """Show how many events each consumer group has still to take."""
    with operating("kit"):
        from fairlead.admin import events

        lags = events.group_lags()
    if as_json:
        print_json([asdict(each) for each in lags])
        return
    print_table(
        ["group", "topic", "state", "lag"], [(each.group, each.topic, each.state.lower(), each.lag) for each in lags]
    )


@app.command("dead-letters")
def dead_letters(
    topic: Annotated[str, typer.Argument(help="Topic that they came from, such as predictions.")],
    limit: Annotated[int, typer.Option(min=1, max=10_000, help="How many of the newest to show.")] = 50,
    as_json: AsJson = False,
) -> None:
    """List the events of a topic that consumers could not use, and why."""
    with operating("kit"):
        from fairlead.admin import events

        letters = events.dead_letters(topic, limit)
    if as_json:
        print_json([asdict(letter) for letter in letters])
        return
    print_table(
        ["id", "time", "group", "key", "reason"],
        [(letter.id, show_time(letter.time), letter.group, letter.key, letter.reason) for letter in letters],
    )


def _days(retention_ms: int) -> str:
    return "without end" if retention_ms < 0 else f"{timedelta(milliseconds=retention_ms) / timedelta(days=1):g} d"
