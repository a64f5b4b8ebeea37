from __future__ import annotations

from collections import Counter

import pytest

from services.serving.domain.batch_prediction.parts import (
    Fault,
    Part,
    Plan,
    Tally,
    describe_faults,
    part_of_json,
    plan_of_json,
)

TALLY = Tally(10, Counter({"a": 6, "b": 4}), 0.0)
PART = Part(3, 100, 250, 12, TALLY, 2, (Fault(1, "age", "is", "x"), Fault(7, "", "y")), "ab", "cd")


def test_a_part_is_remembered_whole() -> None:
    assert part_of_json(PART.to_json()) == PART


@pytest.mark.parametrize("damage", [("12", "13"), ("age", "AGE"), ("{", "["), ("check", "chuck")])
def test_a_damaged_record_is_not_believed(damage: tuple[str, str]) -> None:
    with pytest.raises((ValueError, KeyError, TypeError)):
        part_of_json(PART.to_json().replace(*damage))


def test_a_plan_is_remembered_whole() -> None:
    plan = Plan("sha256/x", "csv", "v/1", "models/m", "parquet", 8, 4, "pyarrow 1")
    assert plan_of_json(plan.to_json()) == plan
    with pytest.raises((ValueError, TypeError)):
        plan_of_json('{"of": "another release"}')


def test_tallies_add_up() -> None:
    assert Tally(2, Counter(a=2)) + Tally(3, Counter(a=1, b=2)) == Tally(5, Counter(a=3, b=2))
    assert str(Tally(5, Counter(a=3, b=2))) == "3 x 'a', 2 x 'b'"
    assert str(Tally(2, value_sum=5.0)) == "mean 2.5"
    assert str(Tally()) == "nothing"


def test_the_first_faults_are_told_with_their_rows() -> None:
    told = describe_faults([(2, Fault(1, "age", "is not a number", "x")), (3, Fault(2, "", "has 2 values"))], shown=1)
    assert told == "row 2, column 'age': 'x' is not a number"
