from collections.abc import Sequence
from dataclasses import replace

import pytest

from fairlead.kit.errors import InvalidArgument
from services.serving.domain.feedback import Feedback, Truth
from services.serving.domain.models.model import ModelSource
from services.serving.domain.models.schema import Schema, TaskType
from tests.unit.serving.houses import deployed, target, version, with_traffic
from tests.unit.serving.schemas import INCOME, PRICE

DIGITS = Schema(TaskType.MULTICLASS, ("0", "1", "2"), ())


class Kept:
    def __init__(self) -> None:
        self.truths: list[Truth] = []

    def publish(self, deployment: str, truths: Sequence[Truth]) -> None:
        self.truths += truths


class Known:
    """What is known of versions by number."""

    def __init__(self, schemas: dict[int, Schema]) -> None:
        self.schemas = {version(number): schema for number, schema in schemas.items()}

    def find(self, source: ModelSource) -> Schema | None:
        return self.schemas.get(source.model_version)


def accepted(schema: Schema, *values: str) -> int:
    return Feedback(Kept(), Known({1: schema})).accept(deployed(), [Truth("a", 0, value) for value in values])


def test_truths_are_handed_on_together() -> None:
    kept = Kept()
    truths = [Truth("a", 0, ">50K"), Truth("a", 1, "<=50K")]
    assert Feedback(kept, Known({1: INCOME})).accept(deployed(), truths) == 2
    assert [truth.row for truth in kept.truths] == [0, 1]


def test_one_that_can_not_be_joined_refuses_all_and_is_named() -> None:
    kept = Kept()
    with pytest.raises(InvalidArgument) as caught:
        Feedback(kept, Known({})).accept(deployed(), [Truth("a", 0, "x"), Truth("", -1, "")])
    assert [v.field for v in caught.value.violations] == ["truths[1].request_id", "truths[1].row", "truths[1].value"]
    assert kept.truths == []


def test_a_truth_that_is_no_class_refuses_all_and_the_classes_are_named() -> None:
    with pytest.raises(InvalidArgument) as caught:
        accepted(INCOME, ">50K", "<=50K", "banana")
    assert caught.value.message == (
        "truths[2].value: 'banana' is none of the model's classes: <=50K, >50K; none of the 3 truths was recorded"
    )
    assert [v.field for v in caught.value.violations] == ["truths[2].value"]


def test_a_class_may_be_written_as_the_same_number() -> None:
    assert accepted(DIGITS, "1", "1.0", "2") == 3
    with pytest.raises(InvalidArgument, match="'3' is none of the model's classes: 0, 1, 2"):
        accepted(DIGITS, "3")


@pytest.mark.parametrize("value", ["expensive", "true", "1e400", "inf", "nan", "1e60"])
def test_a_truth_of_a_regression_is_a_finite_number(value: str) -> None:
    assert accepted(PRICE, "12.5", "-3", "1e6") == 3
    with pytest.raises(InvalidArgument, match="is no finite number"):
        accepted(PRICE, "12.5", value)


def test_many_classes_are_not_all_named() -> None:
    many = Schema(TaskType.MULTICLASS, tuple(f"c{number}" for number in range(50)), ())
    with pytest.raises(InvalidArgument, match=r"c0, .*, c19 and 30 more"):
        accepted(many, "x")


def test_what_any_version_known_of_the_split_or_the_one_before_could_say_is_a_truth() -> None:
    split = with_traffic((target(1, 100), target(2, shadow=True)))
    before = replace(split, previous_traffic=(target(3, 100),))
    shadow_known = Feedback(Kept(), Known({2: INCOME, 3: DIGITS}))
    assert shadow_known.accept(split, [Truth("a", 0, ">50K")]) == 1
    assert shadow_known.accept(before, [Truth("a", 0, ">50K"), Truth("a", 1, "2")]) == 2
    for deployment in (split, before):
        with pytest.raises(InvalidArgument):
            shadow_known.accept(deployment, [Truth("a", 0, "banana")])


def test_what_can_not_be_judged_now_is_kept() -> None:
    assert Feedback(Kept(), Known({})).accept(deployed(), [Truth("a", 0, "banana")]) == 1
    before = replace(deployed(), previous_traffic=(target(2, 100),))
    assert Feedback(Kept(), Known({1: INCOME})).accept(before, [Truth("a", 0, "banana")]) == 1
