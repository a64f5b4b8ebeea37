"""Columns in fewer bytes, from which every value comes back as it was."""

from __future__ import annotations

import numpy as np
import pytest

from services.serving.adapters.log.packed_columns import packed_numbers, packed_texts
from tests.unit.serving.schemas import numbers

ROWS = 1000


def test_texts_that_repeat_are_places_among_those_that_there_are() -> None:
    values = ["Private", "", "Größe", "Private"] * 250
    packed = packed_texts("work", values)
    assert packed is not None
    assert (packed.name, list(packed.texts)) == ("work", ["", "Größe", "Private"])
    assert [packed.texts[place] for place in packed.places] == values


def test_as_many_texts_as_a_byte_tells_are_packed_and_no_more() -> None:
    values = [f"{number % 256:03}" for number in range(4 * 256)]
    packed = packed_texts("code", values)
    assert packed is not None
    assert [packed.texts[place] for place in packed.places] == values
    assert packed_texts("code", [*values, *["one more"] * 4]) is None


@pytest.mark.parametrize("values", [["a"] * 63, [str(number) for number in range(100)], ["a", "b", "c"] * 30 + ["d"]])
def test_texts_are_packed_where_that_takes_fewer_bytes(values: list[str]) -> None:
    packed = packed_texts("work", values)
    assert (packed is None) == (len(values) < 64 or len(set(values)) * 4 > len(values))


@pytest.mark.parametrize(
    "values",
    [
        np.arange(ROWS, dtype=np.float64),
        np.resize([0.5, np.nan, -0.0, 2.0**24, float("inf")], ROWS),
        np.full(ROWS, float(np.float32(0.1))),
    ],
)
def test_numbers_that_a_float32_holds_take_half_the_bytes(values: np.ndarray) -> None:
    packed = packed_numbers(values)
    assert packed is not None
    again = np.frombuffer(packed, "<f4").astype(np.float64)
    assert np.array_equal(again, values, equal_nan=True)
    assert np.array_equal(np.signbit(again), np.signbit(values))


@pytest.mark.parametrize("value", [0.1, 2.0**24 + 1, 1e300, 1e-300])
def test_one_number_that_a_float32_does_not_hold_keeps_them_all_as_they_are(value: float) -> None:
    assert packed_numbers(numbers([1.0] * 999 + [value])) is None
