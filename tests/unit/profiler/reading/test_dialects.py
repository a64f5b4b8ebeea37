from __future__ import annotations

import pytest

from fairlead.kit.errors import InvalidArgument
from services.profiler.domain.reading.dialects import sniff


@pytest.mark.parametrize(("delimiter", "decimal"), [(",", "."), (";", "."), (";", ","), ("\t", ","), ("|", ".")])
def test_the_delimiter_and_the_decimal_mark_are_found(delimiter: str, decimal: str) -> None:
    rows = [f"{i}{delimiter}{i}{decimal}5{delimiter}word" for i in range(20)]
    dialect = sniff("\n".join([delimiter.join(["n", "x", "w"]), *rows]), whole=True)
    assert (dialect.delimiter, dialect.decimal, dialect.names) == (delimiter, decimal, ("n", "x", "w"))


def test_delimiters_inside_quotes_do_not_count() -> None:
    dialect = sniff('a;b\n"x,y,z";1\n"p,q,r";2\n', whole=True)
    assert (dialect.delimiter, dialect.width) == (";", 2)


def test_backslashes_before_quotes_are_the_escape_only_where_quotes_are_not_doubled() -> None:
    assert sniff('a,b\n"he said \\"no\\" twice",1\n', whole=True).escape == "\\"
    assert sniff('a,b\n"he said ""no"" twice",1\n', whole=True).escape == '"'


def test_single_quotes_around_fields_are_the_quote() -> None:
    assert sniff("a,b\n" + "'x, y','z'\n" * 9, whole=True).quote == "'"


def test_titles_above_the_header_are_skipped_with_a_note() -> None:
    dialect = sniff("Sales report 2024\n\nregion,year,sum\nnorth,2024,3\nsouth,2024,4\n", whole=True)
    assert (dialect.skip, dialect.names) == (3, ("region", "year", "sum"))
    assert "Sales report" in dialect.notes[0]


def test_one_column_is_accepted_where_nothing_splits_the_lines() -> None:
    dialect = sniff("value\n1\n2\n3\n", whole=True)
    assert (dialect.width, dialect.names) == (1, ("value",))


def test_prose_is_refused() -> None:
    with pytest.raises(InvalidArgument, match="no delimiter"):
        sniff("Once, there was.\nA king; and a queen, too, who\nlived\n", whole=True)


def test_a_header_wider_than_the_rows_is_refused() -> None:
    with pytest.raises(InvalidArgument, match="names 4 columns, but most rows have 3 values"):
        sniff("a,b,c,d\n" + "1,2,3\n" * 9, whole=True)


def test_a_header_one_name_short_leaves_the_first_column_without_name() -> None:
    assert sniff("x,y\n" + "".join(f"r{i},{i},{i}\n" for i in range(9)), whole=True).names == ("column_1", "x", "y")
