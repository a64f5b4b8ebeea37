"""What is special about PostgreSQL: schemas, time-outs, text, and many processes that make tables at once."""

from __future__ import annotations

import subprocess
import sys
import traceback
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from sqlalchemy import Engine, insert, inspect, make_url, select, text
from sqlalchemy.exc import IntegrityError, OperationalError

from fairlead.kit.database import (
    exclusive,
    is_postgresql,
    migrate,
    open_database,
    recorded_revisions,
    schema_url,
    unavailable,
    wanted_revisions,
)
from fairlead.kit.database.locks import MIGRATION
from fairlead.kit.errors import PermissionDenied, Unavailable
from fairlead.kit.tasks import MIGRATIONS
from services.gateway.adapters.schema import MIGRATIONS as GATEWAY
from services.gateway.adapters.schema import projects
from tests.data import ROOT

# Not in the line of code that a traceback shows.
NAME = "Ann of Chester"


def setting(engine: Engine, name: str) -> str:
    with engine.connect() as connection:
        return str(connection.scalar(text("SELECT current_setting(:name)"), {"name": name}))


@pytest.mark.parametrize("scheme", ["postgresql", "postgresql+psycopg", "postgres"])
def test_each_way_to_write_the_url_opens_it_with_psycopg_3(postgres_database: str, scheme: str) -> None:
    engine = open_database(postgres_database.replace("postgresql", scheme, 1), "gateway")

    assert engine.driver == "psycopg"
    assert setting(engine, "search_path") == "gateway"
    engine.dispose()


def test_services_share_a_database_and_see_none_of_each_others_tables(postgres_database: str) -> None:
    engines = {name: open_database(postgres_database, name) for name in ("trainer", "profiler")}
    for engine in engines.values():
        migrate(engine, MIGRATIONS)

    with engines["trainer"].begin() as connection:
        connection.exec_driver_sql("DROP TABLE tasks")
    assert inspect(engines["profiler"]).has_table("tasks")
    assert not inspect(engines["trainer"]).has_table("tasks")
    with engines["trainer"].connect() as connection:
        schemas = connection.execute(text("SELECT schemaname FROM pg_tables WHERE tablename = 'alembic_version'"))
        assert sorted(schemas.scalars()) == ["profiler", "trainer"]
    for engine in engines.values():
        engine.dispose()


def test_sessions_are_in_utc_and_wait_for_nothing_without_end(postgres_database: str) -> None:
    engine = open_database(postgres_database, "drift")

    found = {
        name: setting(engine, name)
        for name in ("TimeZone", "lock_timeout", "statement_timeout", "application_name", "transaction_isolation")
    }
    assert found == {
        "TimeZone": "UTC",
        "lock_timeout": "10s",
        "statement_timeout": "1min",
        "application_name": "fairlead-drift",
        "transaction_isolation": "read committed",
    }
    engine.dispose()


def test_the_url_has_the_last_word_on_time_outs_but_not_on_the_schema(postgres_database: str) -> None:
    url = make_url(postgres_database).update_query_dict(
        {"options": "-clock_timeout=3s -csearch_path=elsewhere", "application_name": "mine"}
    )
    engine = open_database(url.render_as_string(hide_password=False), "gateway")

    assert setting(engine, "lock_timeout") == "3s"
    assert setting(engine, "statement_timeout") == "1min"
    assert setting(engine, "application_name") == "mine"
    assert setting(engine, "search_path") == "gateway"
    engine.dispose()


def test_a_nul_in_a_text_becomes_the_replacement_character(postgres_database: str) -> None:
    engine = open_database(postgres_database, "gateway")
    migrate(engine, GATEWAY)

    with engine.begin() as connection:
        row = {"id": "a", "display_name": "one\x00two", "create_time": text("now()")}
        connection.execute(insert(projects).values(**row))
        kept = connection.scalar(select(projects.c.display_name).where(projects.c.display_name == "one\x00two"))
    assert kept == "one\N{REPLACEMENT CHARACTER}two"
    engine.dispose()


@pytest.mark.parametrize(("age", "broken"), [(None, '"age"'), (6, '"people_pkey"')])
def test_an_insert_that_fails_tells_what_it_broke_and_no_value(
    postgres_database: str, age: int | None, broken: str
) -> None:
    engine = open_database(postgres_database)
    with engine.begin() as connection:
        connection.execute(text("CREATE TABLE people (name TEXT PRIMARY KEY, age INTEGER NOT NULL)"))
        connection.execute(text("INSERT INTO people VALUES (:name, 5)"), {"name": NAME})

    with pytest.raises(IntegrityError) as failed, engine.begin() as connection:
        insert = text("INSERT INTO people (name, age) VALUES (:name, :age)")
        connection.execute(insert, {"name": NAME, "age": age})

    told = "".join(traceback.format_exception(failed.value))
    assert "INSERT INTO people" in told
    assert broken in told
    assert NAME not in told
    engine.dispose()


def test_processes_that_make_the_same_tables_at_once_wait_for_each_other(postgres_database: str) -> None:
    program = (
        "import sys; from fairlead.kit.database import migrate, open_database; from fairlead.kit.tasks import "
        "MIGRATIONS; migrate(open_database(sys.argv[1], 'trainer'), MIGRATIONS)"
    )
    processes = [
        subprocess.Popen([sys.executable, "-c", program, postgres_database], cwd=ROOT, stderr=subprocess.PIPE)
        for _ in range(3)
    ]

    assert [(process.communicate()[1], process.returncode) for process in processes] == [(b"", 0)] * 3
    engine = open_database(postgres_database, "trainer")
    assert recorded_revisions(engine) == wanted_revisions(MIGRATIONS)
    engine.dispose()


def test_a_lock_that_another_has_for_too_long_is_given_up_and_had_once_it_is_free(database_url: str) -> None:
    url = schema_url(database_url, "mlflow") if is_postgresql(database_url) else database_url
    with (
        exclusive(url, "tables"),
        exclusive(url, "registry", wait_seconds=0),
        pytest.raises(Unavailable, match=r"the lock '.*tables.* for more than 0\.3 s.*try again"),
        exclusive(url, "tables", wait_seconds=0.3),
    ):
        pass

    with exclusive(url, "tables", wait_seconds=0):
        pass


def test_a_migration_that_another_hangs_in_is_given_up(postgres_database: str) -> None:
    engine = open_database(postgres_database, "trainer")
    with engine.begin() as other:
        lock = text("SELECT pg_advisory_xact_lock(:key, hashtext('trainer'))")
        other.execute(lock, {"key": MIGRATION})
        with pytest.raises(Unavailable, match=r"migrating the schema 'trainer' .* for more than 0\.3 s.*try again"):
            migrate(engine, MIGRATIONS, wait_seconds=0.3)

    migrate(engine, MIGRATIONS, wait_seconds=0.3)
    assert recorded_revisions(engine) == wanted_revisions(MIGRATIONS)
    engine.dispose()


def test_a_schema_that_was_made_for_a_role_is_enough(postgres_database: str) -> None:
    owner = open_database(postgres_database)
    role = f"limited_{make_url(postgres_database).database}"
    with owner.begin() as connection:
        connection.exec_driver_sql(f"CREATE ROLE {role} LOGIN PASSWORD 'limited'")
        connection.exec_driver_sql(f"CREATE SCHEMA trainer AUTHORIZATION {role}")
    url = make_url(postgres_database).set(username=role, password="limited")
    limited = open_database(url.render_as_string(hide_password=False), "trainer")
    try:
        migrate(limited, MIGRATIONS)
        assert recorded_revisions(limited) == wanted_revisions(MIGRATIONS)
        refused = open_database(url.render_as_string(hide_password=False), "profiler")
        with pytest.raises(PermissionDenied, match=f"GRANT CREATE ON DATABASE .* TO {role}"):
            migrate(refused, MIGRATIONS)
        refused.dispose()
    finally:
        limited.dispose()
        with owner.begin() as connection:
            connection.exec_driver_sql(f"DROP OWNED BY {role} CASCADE")
            connection.exec_driver_sql(f"DROP ROLE {role}")
        owner.dispose()


def test_no_more_connections_are_opened_than_allowed_and_the_others_wait(postgres_database: str) -> None:
    engine = open_database(postgres_database, "gateway", connections=2)

    def used(_: int) -> int:
        with engine.connect() as connection:
            connection.execute(text("SELECT pg_sleep(0.05)"))
            query = text("SELECT count(*) FROM pg_stat_activity WHERE application_name = 'fairlead-gateway'")
            return int(connection.scalar(query.bindparams()) or 0)

    with ThreadPoolExecutor(8) as threads:
        assert max(threads.map(used, range(16))) <= 2
    engine.dispose()


def test_a_server_that_is_not_there_is_a_database_that_is_away(tmp_path: Path) -> None:
    engine = open_database("postgresql://fairlead:secret@127.0.0.1:1/fairlead", "gateway")

    with pytest.raises(OperationalError) as refused:
        engine.connect()

    away = unavailable(refused.value)
    assert away is not None
    assert "secret" not in away.message
    engine.dispose()
