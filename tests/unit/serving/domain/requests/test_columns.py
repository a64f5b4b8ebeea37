import numpy as np
import pytest

from fairlead.kit.errors import InvalidArgument
from services.serving.domain.requests.columns import columns_of, text_of
from services.serving.domain.requests.datetimes import to_iso_text
from tests.unit.serving.schemas import INCOME, PRICE, numbers, texts

GIVEN = {
    "age": numbers([39, np.nan]),
    "workclass": texts("Private", None),
    "seen": texts("1970-01-02T00:00:00Z", ""),
    "married": texts("yes", None),
}


def test_columns_come_in_the_schemas_order_as_the_model_reads_them() -> None:
    (age, workclass, seen, married), rows = columns_of(INCOME, dict(reversed(GIVEN.items())))
    assert rows == 2
    np.testing.assert_array_equal(age, [39, np.nan])
    assert workclass.tolist() == ["Private", ""]
    np.testing.assert_array_equal(seen, [86400, np.nan])
    np.testing.assert_array_equal(married, [1, np.nan])


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("1970-01-01T00:01:00", 60.0),
        ("1970-01-01T02:00:00+02:00", 0.0),
        ("1970-01-02", 86400.0),
        ("1970-01-01 00:00:00.5", 0.5),
    ],
)
def test_datetimes_are_seconds_and_utc_unless_they_say_otherwise(text: str, seconds: float) -> None:
    columns, _ = columns_of(INCOME, {**GIVEN, "seen": texts(text, "")})
    assert columns[2][0] == seconds


def test_numbers_sent_as_text_are_read_as_numbers() -> None:
    columns, _ = columns_of(PRICE, {"rooms": texts(" 3.5", "1e2"), "age": texts(None, "")})
    assert columns[0].tolist() == [3.5, 100.0]
    assert np.isnan(columns[1]).all()


def test_whole_numbers_of_any_width_become_doubles() -> None:
    columns, _ = columns_of(PRICE, {"rooms": np.array([1, 2], dtype=np.int8), "age": np.array([True, False])})
    assert [column.dtype for column in columns] == [np.float64, np.float64]


def test_a_column_the_model_does_not_read_is_ignored() -> None:
    assert columns_of(PRICE, {"rooms": numbers([1]), "age": numbers([2]), "colour": texts("red", "blue")})[1] == 1


def test_every_missing_column_is_named() -> None:
    with pytest.raises(InvalidArgument, match="'workclass', 'seen'") as caught:
        columns_of(INCOME, {"age": GIVEN["age"], "married": GIVEN["married"]})
    assert [violation.field for violation in caught.value.violations] == ["workclass", "seen"]


@pytest.mark.parametrize(
    ("name", "bad", "expected"),
    [
        ("age", "old", "column 'age', row 1: 'old' is not a number"),
        ("seen", "yesterday", "column 'seen', row 1: 'yesterday' is not an ISO 8601 date and time"),
        ("married", "perhaps", "column 'married', row 1: 'perhaps' is not true or false"),
    ],
)
def test_a_bad_value_is_named_with_its_column_and_row(name: str, bad: str, expected: str) -> None:
    with pytest.raises(InvalidArgument, match=expected):
        columns_of(INCOME, {**GIVEN, name: texts(None, bad)})


def test_columns_of_unequal_length_are_refused() -> None:
    with pytest.raises(InvalidArgument, match="'age' has 1 rows, but 'rooms' has 2"):
        columns_of(PRICE, {"rooms": numbers([1, 2]), "age": numbers([1])})


@pytest.mark.parametrize(
    ("value", "text"), [(3.0, "3"), (3.5, "3.5"), (True, "true"), (7, "7"), (None, ""), (float("nan"), ""), ("a", "a")]
)
def test_a_category_sent_as_another_type_is_spelled_as_text(value: object, text: str) -> None:
    assert text_of(value) == text


@pytest.mark.parametrize(
    ("seen", "shown"),
    [
        (numbers([0, 1.7e12]), "row 1: 1700000000000.0 is not in the years 1 to 9999"),
        (numbers([np.nan, np.inf]), "row 1: inf is not"),
        (numbers([-np.inf, 0]), "row 0: -inf is not"),
        (numbers([0, 253_402_300_800]), "row 1: 253402300800.0 is not"),
        (numbers([0, -62_135_596_801]), "row 1: -62135596801.0 is not"),
        (np.array([0, 1_700_000_000_000]), "row 1: 1700000000000.0 is not"),
        (texts("", 1e18), "row 1: 1e\\+18 is not"),
        (texts(None, "9999-12-31T23:59:59-05:00"), "row 1: '9999-12-31T23:59:59-05:00' is not"),
        (texts("0001-01-01T00:00:00+01:00", ""), r"row 0: '0001-01-01T00:00:00\+01:00' is not"),
    ],
)
def test_an_instant_that_no_text_can_tell_is_refused_with_its_row(seen: np.ndarray, shown: str) -> None:
    with pytest.raises(InvalidArgument, match=shown) as caught:
        columns_of(INCOME, {**GIVEN, "seen": seen})
    assert [violation.field for violation in caught.value.violations] == ["seen"]


def test_the_first_and_the_last_instant_are_read() -> None:
    columns, _ = columns_of(INCOME, {**GIVEN, "seen": texts("0001-01-01", "9999-12-31T23:59:59.9999")})
    assert [to_iso_text(seconds) for seconds in columns[2]] == ["0001-01-01T00:00:00Z", "9999-12-31T23:59:59.999908Z"]


def test_a_text_that_utf8_can_not_spell_is_refused_with_its_row() -> None:
    with pytest.raises(InvalidArgument, match=r"'workclass', row 1: 'a\\ud800' has half of a pair of surrogates"):
        columns_of(INCOME, {**GIVEN, "workclass": texts("Zürich", "a\ud800")})
    columns, _ = columns_of(INCOME, {**GIVEN, "workclass": texts("Zürich", "\U0001f600")})
    assert columns[1].tolist() == ["Zürich", "\U0001f600"]


@pytest.mark.parametrize("seconds", [1e18, -1e18, np.inf, -np.inf, np.nan])
def test_an_instant_that_was_kept_before_it_was_refused_is_told_as_missing(seconds: float) -> None:
    assert to_iso_text(seconds) == ""
