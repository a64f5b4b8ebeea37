"""Makes the tables of DBOS with DBOS' own migrations: `python -m fairlead.admin.backup.make_dbos [VERSION]`.

Reads FAIRLEAD_RESTORE_URL and FAIRLEAD_RESTORE_SCHEMA. DBOS only migrates to its newest version, and what it adds has
defaults. Ends with EX_DATAERR, and a sentence on standard output, where the given version is newer than that.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence


def main(versions: Sequence[str]) -> None:
    """Bring the database to the newest version, and print so."""
    import sqlalchemy as sa
    from dbos import run_dbos_database_migrations

    from fairlead.kit.database import open_database

    url, schema = os.environ["FAIRLEAD_RESTORE_URL"], os.environ["FAIRLEAD_RESTORE_SCHEMA"]
    # SQLite has no schemas, and the name is not looked at.
    run_dbos_database_migrations(url, schema=schema or "dbos")
    engine = open_database(url, schema) if schema else sa.create_engine(url)
    with engine.connect() as connection:
        made = connection.execute(sa.text("SELECT version FROM dbos_migrations")).scalar_one()
    if versions and int(versions[0]) > int(made):
        print(
            f"the backup's workflow steps have version {versions[0]} of DBOS' tables, which this DBOS does not know; "
            "restore with the Fairlead that made the backup, or a newer one"
        )
        sys.exit(os.EX_DATAERR)
    print("newest")


if __name__ == "__main__":
    main(sys.argv[1:])
