"""Makes MLflow's tables with MLflow's own migrations: `python -m fairlead.admin.backup.make_mlflow [REVISION]`.

Reads FAIRLEAD_RESTORE_URL. Ends with EX_DATAERR, and a sentence on standard output, for an unknown revision.
"""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import Sequence

from fairlead.admin.backup.make_schema import make_schema

NEWEST = "newest"


def main(revisions: Sequence[str]) -> None:
    """Bring the database to the revision, or to the newest one; print "newest" where it is that."""
    logging.getLogger("alembic").setLevel(logging.WARNING)
    os.environ.update({"MLFLOW_DISABLE_TELEMETRY": "true", "DO_NOT_TRACK": "true", "GIT_PYTHON_REFRESH": "quiet"})
    import sqlalchemy as sa
    from alembic import command
    from alembic.config import Config
    from alembic.script import ScriptDirectory
    from alembic.util import CommandError
    from mlflow.store.db.utils import _get_alembic_config, create_sqlalchemy_engine
    from mlflow.store.tracking.dbmodels.initial_models import Base

    url = os.environ["FAIRLEAD_RESTORE_URL"]
    make_schema(url, os.environ["FAIRLEAD_RESTORE_SCHEMA"])
    config: Config = _get_alembic_config(url)  # type: ignore[no-untyped-call]
    engine: sa.Engine = create_sqlalchemy_engine(url)  # type: ignore[no-untyped-call]
    # As MLflow makes a new database: its first tables all at once, then every migration.
    if not sa.inspect(engine).has_table("experiments"):
        Base.metadata.create_all(engine)
    with engine.connect() as connection:
        # Only its engine is taken; each migration has a transaction of its own.
        config.attributes["connection"] = connection
        try:
            command.upgrade(config, revisions[0] if revisions else "heads")
        except CommandError as error:
            print(
                f"the backup's MLflow database has a revision that this MLflow does not know ({error}); restore with "
                "the Fairlead that made the backup, or a newer one"
            )
            sys.exit(os.EX_DATAERR)
    if not revisions or set(revisions) == set(ScriptDirectory.from_config(config).get_heads()):
        print(NEWEST)


if __name__ == "__main__":
    main(sys.argv[1:])
