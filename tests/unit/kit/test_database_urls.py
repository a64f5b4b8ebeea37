"""Which databases there are, and what a URL of each says."""

from __future__ import annotations

import sqlite3

import pytest
from sqlalchemy import make_url
from sqlalchemy.exc import IntegrityError, OperationalError, TimeoutError

from fairlead.kit.database import is_postgresql, open_database, parse_url, schema_url, unavailable
from fairlead.kit.errors import InvalidArgument

URL = "postgresql://ann:s3cr%40t@db.example:5433/fairlead?sslmode=require"


@pytest.mark.parametrize("url", ["mysql://ann:s3cret@host/db", "postgresql+psycopg2://ann:s3cret@host/db"])
def test_another_kind_of_database_is_refused_with_the_possible_ones(url: str) -> None:
    with pytest.raises(InvalidArgument, match="sqlite:///path or postgresql://") as refused:
        open_database(url)
    assert url.partition(":")[0] in refused.value.message
    assert "s3cret" not in refused.value.message


@pytest.mark.parametrize("url", ["", "a/path", "postgresql://ann:s3cret@host:port/db"])
def test_what_is_no_url_is_refused(url: str) -> None:
    with pytest.raises(InvalidArgument, match="can't be read") as refused:
        open_database(url)
    assert "s3cret" not in refused.value.message


@pytest.mark.parametrize("scheme", ["postgres", "postgresql", "postgresql+psycopg"])
def test_the_driver_is_psycopg_3_however_postgresql_is_written(scheme: str) -> None:
    url = URL.replace("postgresql", scheme, 1)

    assert parse_url(url).drivername == "postgresql+psycopg"
    assert is_postgresql(url)
    assert not is_postgresql("sqlite:///a.db")


def test_a_schema_is_put_into_a_url_and_nothing_else_is_changed() -> None:
    url = make_url(schema_url(URL, "mlflow"))

    assert url.query == {"sslmode": "require", "options": "-csearch_path=mlflow"}
    assert (url.password, url.host, url.port, url.database) == ("s3cr@t", "db.example", 5433, "fairlead")


def test_options_of_the_url_stay_but_for_the_schema() -> None:
    url = make_url(schema_url(f"{URL}&options=-cwork_mem%3D8MB%20-csearch_path%3Dother", "mlflow"))

    assert url.query["options"] == "-cwork_mem=8MB -csearch_path=other -csearch_path=mlflow"


@pytest.mark.parametrize("schema", ["a b", "a;DROP", "A", "-c"])
def test_a_schema_must_be_a_plain_name(schema: str) -> None:
    with pytest.raises(InvalidArgument, match="can't be a schema's name"):
        schema_url(URL, schema)


class ServerError(Exception):
    """As a driver gives it, with the server's state."""

    def __init__(self, state: str | None) -> None:
        super().__init__("message of the server")
        self.sqlstate = state


@pytest.mark.parametrize(
    ("state", "passes"),
    [
        ("08006", True),
        ("57P01", True),
        ("40P01", True),
        ("40001", True),
        ("55P03", True),
        ("53300", True),
        (None, True),
        ("42P01", False),
        ("42501", False),
        ("28P01", False),
    ],
)
def test_what_passes_by_itself_is_told_from_a_defect(state: str | None, passes: bool) -> None:
    error = OperationalError("SELECT secret", {}, ServerError(state))

    told = unavailable(error)

    assert (told is not None) == passes
    if told is not None:
        assert "secret" not in told.message


def test_a_busy_sqlite_and_a_pool_in_use_pass_by_themselves() -> None:
    holder, other = (sqlite3.connect("file:busy?mode=memory&cache=shared", uri=True, timeout=0) for _ in range(2))
    holder.execute("CREATE TABLE t (a)")
    holder.execute("BEGIN IMMEDIATE")
    with pytest.raises(sqlite3.OperationalError) as busy:
        other.execute("BEGIN IMMEDIATE")
    with pytest.raises(sqlite3.OperationalError) as absent:
        other.execute("SELECT * FROM nowhere")

    assert unavailable(OperationalError("", {}, busy.value)) is not None
    assert unavailable(OperationalError("", {}, absent.value)) is None
    assert unavailable(TimeoutError("QueuePool limit")) is not None
    assert unavailable(IntegrityError("", {}, ServerError("23505"))) is None
    assert unavailable(ValueError()) is None
    holder.close()
    other.close()
