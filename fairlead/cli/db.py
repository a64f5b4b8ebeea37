"""`fairlead db`: whether the databases' tables are up to date, and bringing them up to date.

For operators: it speaks to the databases themselves, where the services' FAIRLEAD_* variables say.
"""

from __future__ import annotations

from dataclasses import asdict

import typer

from fairlead.cli.context import AsJson
from fairlead.cli.operating import Home, operating
from fairlead.cli.output import print_json, print_table

app = typer.Typer(help="Tables of the services' databases (for operators).", no_args_is_help=True)


@app.command("check")
def check(home: Home = None, as_json: AsJson = False) -> None:
    """Show the revision of each database; ends with status 1 unless all are up to date. Changes nothing."""
    with operating():
        from fairlead.admin import database

        standings = database.check(home)
        behind = [standing for standing in standings if standing.state != database.UP_TO_DATE]
    if as_json:
        print_json([asdict(standing) for standing in standings])
    else:
        rows = [(each.service, each.database, each.found, each.wanted, each.state) for each in standings]
        print_table(["service", "database", "revision found", "revision wanted", "state"], rows)
    if behind:
        raise typer.Exit(1)


@app.command("upgrade")
def upgrade(home: Home = None, as_json: AsJson = False) -> None:
    """Bring the tables of all databases up to date; services may run meanwhile. Safe to repeat."""
    with operating():
        from fairlead.admin import database

        upgraded = database.upgrade(home)
    if as_json:
        print_json([asdict(each) for each in upgraded])
        return
    rows = [(each.service, each.database, each.before, each.now, _outcome(each.before, each.now)) for each in upgraded]
    print_table(["service", "database", "revision before", "revision now", "outcome"], rows)


def _outcome(before: str, now: str) -> str:
    if before == now:
        return "was up to date"
    return "upgraded" if before else "made"
