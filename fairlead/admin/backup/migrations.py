"""Making the tables of a database as whoever owns it makes them, at the revision that a backup has."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Sequence

from fairlead.admin.backup.make_service import upgrade
from fairlead.admin.backup.settings import Database
from fairlead.kit.database import open_database, wanted_revisions
from fairlead.kit.errors import FailedPrecondition, Internal
from fairlead.kit.migrate import folders_of as folders_of

# MLflow and DBOS are large and set up logging of their own, so they work in processes of their own.
_PROGRAMS = {"mlflow": "fairlead.admin.backup.make_mlflow", "dbos": "fairlead.admin.backup.make_dbos"}
# What they print last where nothing is left to be migrated.
NEWEST = "newest"


def make_tables(database: Database, revisions: Sequence[str]) -> bool:
    """Bring a database to the revisions, the newest where none are given; return whether these are the newest.

    Raises FailedPrecondition where this Fairlead does not know them.
    """
    if database.maker != "service":
        return _run(_PROGRAMS[database.maker], database, revisions)
    folders = folders_of(database.name)
    engine = open_database(database.url, database.schema)
    try:
        upgrade(engine, folders, revisions)
    finally:
        engine.dispose()
    return not revisions or set(revisions) == wanted_revisions(*folders)


def _run(program: str, database: Database, revisions: Sequence[str]) -> bool:
    # The URL may hold a password: not on the command line, which all users of a machine can read.
    environment = {**os.environ, "FAIRLEAD_RESTORE_URL": database.url, "FAIRLEAD_RESTORE_SCHEMA": database.schema}
    ended = subprocess.run(
        [sys.executable, "-m", program, *revisions], env=environment, capture_output=True, text=True, check=False
    )
    if ended.returncode == os.EX_DATAERR:
        raise FailedPrecondition(ended.stdout.strip())
    if ended.returncode != 0:
        raise Internal(f"the tables of {database.name} could not be made: {_reason(ended)}")
    return ended.stdout.strip().endswith(NEWEST)


def _reason(ended: subprocess.CompletedProcess[str]) -> str:
    """Return the line that names the error; SQLAlchemy's adds others below it."""
    lines = [line for line in ended.stderr.splitlines() if line and not line.startswith((" ", "[", "("))]
    return lines[-1] if lines else f"exit status {ended.returncode}"
