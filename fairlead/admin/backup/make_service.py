"""Migrating a service's database to given revisions, not only to the newest."""

from __future__ import annotations

import os
import shutil
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

from sqlalchemy import Engine

from fairlead.kit.database import migrate
from fairlead.kit.errors import FailedPrecondition


def upgrade(engine: Engine, folders: Sequence[Path], revisions: Sequence[str]) -> None:
    """Bring a database to the revisions, the newest where none are given; raises FailedPrecondition on unknown ones."""
    if not revisions:
        migrate(engine, *folders)
        return
    with TemporaryDirectory(prefix="fairlead-revisions-") as draft:
        # The newest revision of a folder that holds no newer ones is the one that was asked for.
        for path in _files_up_to(folders, revisions):
            shutil.copy(path, draft)
        migrate(engine, Path(draft))


def _files_up_to(folders: Sequence[Path], revisions: Sequence[str]) -> set[Path]:
    from alembic.config import Config
    from alembic.script import ScriptDirectory
    from alembic.script.revision import RevisionError
    from alembic.util import CommandError

    config = Config()
    config.set_main_option("script_location", str(folders[0]).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    config.set_main_option("version_locations", os.pathsep.join(map(str, folders)).replace("%", "%%"))
    scripts = ScriptDirectory.from_config(config)
    try:
        return {Path(script.path) for revision in revisions for script in scripts.iterate_revisions(revision, "base")}
    except (CommandError, RevisionError) as error:
        raise FailedPrecondition(
            f"the backup has the revisions {', '.join(revisions)}, which this Fairlead does not know; "
            "restore with the Fairlead that made it, or a newer one"
        ) from error
