"""`python -m fairlead.kit.migrate` on PostgreSQL: a schema for each service, made once by however many at a time."""

from __future__ import annotations

import os
import subprocess
import sys

from fairlead.kit.database import open_database, recorded_revisions, wanted_revisions
from fairlead.kit.migrate import folders_of
from fairlead.kit.settings import SERVICES
from tests.data import ROOT


def test_several_at_a_time_make_the_tables_of_all_services(postgres_database: str) -> None:
    environment = {**os.environ, "FAIRLEAD_DATABASE_URL": postgres_database}
    command = [sys.executable, "-m", "fairlead.kit.migrate"]
    started = [subprocess.Popen(command, cwd=ROOT, env=environment) for _ in range(2)]

    assert [process.wait(120) for process in started] == [0, 0]
    for service in SERVICES:
        engine = open_database(postgres_database, schema=service)
        assert recorded_revisions(engine) == wanted_revisions(*folders_of(service))
        engine.dispose()
