"""What the text of a database error says: it is logged, so no row of anybody's is in it."""

from __future__ import annotations

import traceback
from pathlib import Path

import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

from fairlead.kit.database import open_database

# Not in the line of code that a traceback shows.
NAME = "Ann of Chester"


@pytest.mark.parametrize("place", ["sqlite://", "sqlite:///{folder}/service.db"])
def test_an_insert_that_fails_tells_the_statement_and_no_value(place: str, tmp_path: Path) -> None:
    engine = open_database(place.format(folder=tmp_path))
    with engine.begin() as connection:
        connection.execute(text("CREATE TABLE people (name TEXT PRIMARY KEY, age INTEGER NOT NULL)"))

    with pytest.raises(IntegrityError) as failed, engine.begin() as connection:
        insert = text("INSERT INTO people (name, age) VALUES (:name, :age)")
        connection.execute(insert, {"name": NAME, "age": None})

    told = "".join(traceback.format_exception(failed.value))
    assert "INSERT INTO people" in told
    assert "people.age" in told
    assert NAME not in told
    engine.dispose()
