import numpy as np
import pytest

from fairlead.kit.errors import InvalidArgument
from services.serving.domain.requests.rows import columns_of_rows
from tests.unit.serving.schemas import PRICE


def test_a_key_that_only_some_rows_lack_is_missing_there() -> None:
    (rooms, age), rows = columns_of_rows(PRICE, [{"rooms": 3, "age": 1}, {"age": None, "rooms": 4.5}, {"rooms": "6"}])
    assert rows == 3
    assert rooms.tolist() == [3, 4.5, 6]
    np.testing.assert_array_equal(age, [1, np.nan, np.nan])


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ([{"rooms": 3}], "the model reads column 'age', which was not sent"),
        ([[3, 1]], "row 0 is not an object"),
        ([], "no rows were sent"),
        ([{"rooms": [3], "age": 1}], r"column 'rooms', row 0: '\[3\]' is not a number"),
    ],
)
def test_rows_that_can_not_be_read_are_refused(rows: list[object], message: str) -> None:
    with pytest.raises(InvalidArgument, match=message):
        columns_of_rows(PRICE, rows)
