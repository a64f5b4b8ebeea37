from __future__ import annotations

import subprocess
import sys
import threading
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest
import sqlalchemy as sa
from sqlalchemy import Engine, text
from sqlalchemy.exc import OperationalError

from fairlead.kit.database import UtcDateTime, migrate, open_database, wanted_revisions
from fairlead.kit.errors import FailedPrecondition
from fairlead.kit.tasks import MIGRATIONS


def revision_file(folder: Path, name: str, follows: str | None, upgrade: str) -> None:
    folder.mkdir(exist_ok=True)
    (folder / f"{name}.py").write_text(
        f'"""One step."""\nimport sqlalchemy as sa\nfrom alembic import op\n'
        f"revision: str = {name!r}\ndown_revision: str | None = {follows!r}\n"
        f"def upgrade():\n    {upgrade}\n"
    )


def url_of(folder: Path) -> str:
    return f"sqlite:///{folder}/sub/folder/service.db"


@pytest.fixture
def engine(tmp_path: Path) -> Engine:
    return open_database(url_of(tmp_path))


def tables(engine: Engine) -> set[str]:
    return set(sa.inspect(engine).get_table_names())


def test_sqlite_is_set_up_for_many_processes(engine: Engine) -> None:
    with engine.connect() as connection:
        settings = {
            name: connection.scalar(text(f"PRAGMA {name}"))
            for name in ("journal_mode", "synchronous", "busy_timeout", "foreign_keys")
        }

    assert settings == {"journal_mode": "wal", "synchronous": 1, "busy_timeout": 10_000, "foreign_keys": 1}


def test_a_folder_that_can_not_be_made_is_a_clear_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")

    with pytest.raises(FailedPrecondition, match="file/sub"):
        open_database(f"sqlite:///{tmp_path}/file/sub/service.db")


def test_a_database_in_memory_is_one_for_all_connections() -> None:
    engine = open_database("sqlite://")
    migrate(engine, MIGRATIONS)

    assert "tasks" in tables(engine)


def test_reading_and_then_writing_loses_no_update(engine: Engine) -> None:
    with engine.begin() as connection:
        connection.execute(text("CREATE TABLE counter (value INTEGER)"))
        connection.execute(text("INSERT INTO counter VALUES (0)"))

    def count() -> None:
        for _ in range(25):
            with engine.begin() as connection:
                value = connection.scalar(text("SELECT value FROM counter"))
                connection.execute(text("UPDATE counter SET value = :value"), {"value": value + 1})

    threads = [threading.Thread(target=count) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    with engine.connect() as connection:
        assert connection.scalar(text("SELECT value FROM counter")) == 100


def test_a_reader_sees_a_snapshot_and_neither_waits_nor_is_waited_for(engine: Engine) -> None:
    with engine.begin() as connection:
        connection.execute(text("CREATE TABLE letters (letter TEXT)"))

    with engine.connect() as reader:
        assert reader.scalars(text("SELECT letter FROM letters")).all() == []
        with engine.begin() as writer:
            writer.execute(text("INSERT INTO letters VALUES ('a')"))
            assert reader.scalars(text("SELECT letter FROM letters")).all() == []
        assert reader.scalars(text("SELECT letter FROM letters")).all() == []
        reader.rollback()
        assert reader.scalars(text("SELECT letter FROM letters")).all() == ["a"]


def test_what_was_not_committed_is_gone(engine: Engine) -> None:
    with pytest.raises(ZeroDivisionError), engine.begin() as connection:
        connection.execute(text("CREATE TABLE letters (letter TEXT)"))
        raise ZeroDivisionError

    assert tables(engine) == set()


def test_moments_come_back_aware_and_in_utc(engine: Engine) -> None:
    moments = sa.Table("moments", sa.MetaData(), sa.Column("moment", UtcDateTime))
    moments.create(engine)
    elsewhere = datetime(2026, 1, 31, 19, 1, 3, 250_000, tzinfo=timezone(timedelta(hours=2)))
    with engine.begin() as connection:
        connection.execute(moments.insert(), [{"moment": elsewhere}, {"moment": None}])
        kept = connection.scalars(sa.select(moments.c.moment)).all()

    assert kept == [elsewhere, None]
    assert kept[0] is not None
    assert kept[0].tzinfo is UTC


def test_every_folder_is_brought_to_its_newest_revision(engine: Engine, tmp_path: Path) -> None:
    folder = tmp_path / "100% own"
    revision_file(folder, "own_0001", None, "op.create_table('own', sa.Column('id', sa.Integer, primary_key=True))")
    migrate(engine, MIGRATIONS, folder)
    assert tables(engine) == {"alembic_version", "tasks", "task_holders", "own"}

    revision_file(folder, "own_0002", "own_0001", "op.add_column('own', sa.Column('label', sa.String))")
    migrate(engine, MIGRATIONS, folder)
    migrate(engine, MIGRATIONS, folder)

    assert {column["name"] for column in sa.inspect(engine).get_columns("own")} == {"id", "label"}
    with engine.connect() as connection:
        recorded = connection.scalars(text("SELECT version_num FROM alembic_version"))
        assert set(recorded) == wanted_revisions(MIGRATIONS) | {"own_0002"}


def test_a_database_that_is_current_is_opened_without_alembic(engine: Engine, tmp_path: Path) -> None:
    migrate(engine, MIGRATIONS)
    program = (
        "import sys; from fairlead.kit.database import *; from fairlead.kit.tasks import MIGRATIONS;"
        f"migrate(open_database({url_of(tmp_path)!r}), MIGRATIONS); print('alembic' in sys.modules)"
    )

    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)

    assert ran.stdout.strip() == "False"


def test_processes_that_migrate_at_the_same_time_wait_for_each_other(tmp_path: Path) -> None:
    folder = tmp_path / "own"
    slowly = "import time; time.sleep(0.5); op.create_table('own', sa.Column('id', sa.Integer, primary_key=True))"
    revision_file(folder, "own_0001", None, slowly)
    program = (
        "from pathlib import Path; from fairlead.kit.database import *; from fairlead.kit.tasks import MIGRATIONS;"
        f"migrate(open_database({url_of(tmp_path)!r}), MIGRATIONS, Path({str(folder)!r}))"
    )

    started = [subprocess.Popen([sys.executable, "-c", program], stderr=subprocess.PIPE) for _ in range(3)]
    errors = [process.communicate()[1].decode() for process in started]

    assert errors == ["", "", ""]
    assert tables(open_database(url_of(tmp_path))) == {"alembic_version", "tasks", "task_holders", "own"}


def test_a_migration_that_fails_leaves_nothing_behind(engine: Engine, tmp_path: Path) -> None:
    folder = tmp_path / "own"
    revision_file(folder, "own_0001", None, "op.create_table('own', sa.Column('id', sa.Integer, primary_key=True))")
    revision_file(folder, "own_0002", "own_0001", "op.execute('SELECT * FROM absent')")

    with pytest.raises(OperationalError, match="absent"):
        migrate(engine, MIGRATIONS, folder)

    assert tables(engine) == set()


def test_altering_a_table_keeps_the_rows_that_refer_to_it(engine: Engine, tmp_path: Path) -> None:
    folder = tmp_path / "own"
    revision_file(
        folder,
        "own_0001",
        None,
        "op.execute('CREATE TABLE parent (id INTEGER PRIMARY KEY)');"
        "op.execute('CREATE TABLE child (parent INTEGER REFERENCES parent (id) ON DELETE CASCADE)');"
        "op.execute('INSERT INTO parent VALUES (1)'); op.execute('INSERT INTO child VALUES (1)')",
    )
    migrate(engine, folder)
    changing = "\n    ".join(
        [
            "with op.batch_alter_table('parent', recreate='always') as batch:",
            "    batch.add_column(sa.Column('x', sa.Text))",
        ]
    )
    revision_file(folder, "own_0002", "own_0001", changing)
    migrate(engine, folder)

    with engine.connect() as connection:
        assert connection.scalars(text("SELECT parent FROM child")).all() == [1]
        assert connection.scalar(text("PRAGMA foreign_keys")) == 1
        assert connection.execute(text("PRAGMA foreign_key_check")).all() == []


def test_the_database_of_a_newer_version_is_refused(engine: Engine, tmp_path: Path) -> None:
    folder = tmp_path / "own"
    revision_file(folder, "own_0001", None, "pass")
    revision_file(folder, "own_0002", "own_0001", "pass")
    migrate(engine, folder)
    (folder / "own_0002.py").unlink()

    with pytest.raises(FailedPrecondition, match="own_0002"):
        migrate(engine, folder)
