from dataclasses import replace
from random import Random

import pytest

from fairlead.kit.errors import FailedPrecondition, InvalidArgument
from services.serving.domain.models.model import Model
from services.serving.domain.models.schema import InputColumn, Kind, Schema, TaskType
from services.serving.domain.traffic.split import SLOTS, Target, Traffic, check_alike, check_traffic, divided, sole
from tests.unit.serving.houses import SumRuntime, target, version
from tests.unit.serving.schemas import INCOME, PRICE

ALL_OF_ONE = sole(version(1), "models/p/1")


def owners(traffic: Traffic) -> list[str]:
    """Who owns each slot."""
    owned = [""] * SLOTS
    for each in traffic:
        for start, end in each.spans:
            assert owned[start:end] == [""] * (end - start), "a slot has two owners"
            owned[start:end] = [each.model_version] * (end - start)
    assert "" not in owned
    return owned


def moved(before: Traffic, after: Traffic) -> float:
    """The percentage of slots that have another owner."""
    return 100 * sum(a != b for a, b in zip(owners(before), owners(after), strict=True)) / SLOTS


def owned(traffic: Traffic) -> list[tuple[int, float]]:
    sizes = [sum(end - start for start, end in each.spans) * 100 / SLOTS for each in traffic]
    return [(int(each.model_version[-1]), size) for each, size in zip(traffic, sizes, strict=True)]


@pytest.mark.parametrize(
    ("traffic", "problem"),
    [
        ([], "sum to 0"),
        ([target(1, 50), target(2, 49)], "sum to 99; they must sum to 100"),
        ([target(1, 100), target(2, 0)], "must be from 0.01 to 100, or make it a shadow"),
        ([target(1, 150), target(2, -50)], r"traffic\[0\].percent: is 150"),
        ([target(1, float("nan"))], "is nan"),
        ([target(1, 50), target(1, 50)], "in the split already; name it once"),
        ([target(1, 100), target(1, shadow=True)], "in the split already; name it once"),
        ([target(1, 50), Target("projects/p/models/n/versions/1", "", 50)], "n/versions/1' has the same number as"),
        ([target(1, 100), Target("projects/p/models/n/versions/1", "", shadow=True)], "has the same number as"),
        ([target(1, 100), target(2, 10, shadow=True)], "a shadow answers nobody"),
        ([target(1, shadow=True)], "sum to 0"),
        ([target(n, 100 / 33) for n in range(33)], "at most 32 are possible"),
    ],
)
def test_what_is_no_split_is_refused(traffic: list[Target], problem: str) -> None:
    with pytest.raises(InvalidArgument, match=problem) as refusal:
        check_traffic(traffic)
    assert refusal.value.violations[0].field.startswith("traffic")


def test_thirds_and_several_shadows_are_a_split() -> None:
    thirds = [target(number, 100 / 3) for number in (1, 2, 3)]
    check_traffic([*thirds, target(4, shadow=True), target(5, shadow=True)])


def test_every_slot_has_one_owner_and_each_version_its_share() -> None:
    traffic = divided([target(1, 70), target(2, 20.5), target(3, 9.5), target(4, shadow=True)], ALL_OF_ONE)
    owners(traffic)
    assert owned(traffic) == [(1, 70), (2, 20.5), (3, 9.5), (4, 0)]


@pytest.mark.parametrize(
    ("first", "then", "must_move"),
    [
        ([(1, 90), (2, 10)], [(1, 80), (2, 20)], 10),
        ([(1, 50), (2, 50)], [(1, 90), (2, 10)], 40),
        ([(1, 50), (2, 30), (3, 20)], [(1, 40), (2, 30), (3, 30)], 10),
        ([(1, 50), (2, 30), (3, 20)], [(1, 60), (3, 40)], 30),
        ([(1, 60), (2, 40)], [(1, 50), (2, 25), (3, 25)], 25),
    ],
)
def test_only_the_share_that_must_move_moves(
    first: list[tuple[int, float]], then: list[tuple[int, float]], must_move: float
) -> None:
    before = divided([target(*each) for each in first], ALL_OF_ONE)
    after = divided([target(*each) for each in then], before)
    assert sorted(owned(after)) == then
    assert moved(before, after) == must_move


def test_after_many_changes_still_only_what_must_move_does() -> None:
    chance = Random(5)
    traffic = ALL_OF_ONE
    for _ in range(8):
        weights = {number: chance.randint(1, 50) for number in chance.sample(range(1, 6), 3)}
        total = sum(weights.values())
        wanted = [target(number, 100 * weight / total) for number, weight in weights.items()]
        before = {each.model_version: each.percent for each in traffic}
        must_move = sum(max(0, each.percent - before.get(each.model_version, 0)) for each in wanted)
        after = divided(wanted, traffic)
        assert moved(traffic, after) == pytest.approx(must_move, abs=0.001)
        traffic = after


def test_the_champion_stays_first_until_it_answers_nothing() -> None:
    traffic = divided([target(2, 90), target(1, 10)], ALL_OF_ONE)
    assert [each.model_version[-1] for each in traffic] == ["1", "2"]
    assert divided([target(3, 40), target(2, 60)], traffic)[0].model_version == version(3)
    assert divided([target(3, 100), target(1, shadow=True)], traffic)[0].model_version == version(3)


def test_models_that_can_stand_in_for_each_other_are_alike() -> None:
    renamed = replace(PRICE, inputs=tuple(replace(column, tensor=f"t_{column.tensor}") for column in PRICE.inputs))
    check_alike([Model(version(1), PRICE, SumRuntime(1)), Model(version(2), renamed, SumRuntime(2))])


@pytest.mark.parametrize(
    ("other", "difference"),
    [
        (INCOME, "makes another kind of prediction"),
        (Schema(TaskType.REGRESSION, (), PRICE.inputs[:1]), "reads other inputs"),
        (Schema(TaskType.REGRESSION, (), PRICE.inputs[::-1]), "reads other inputs"),
        (
            Schema(TaskType.REGRESSION, (), (PRICE.inputs[0], InputColumn("age", Kind.TEXT, "age"))),
            "reads other inputs",
        ),
    ],
)
def test_models_that_differ_share_no_traffic(other: Schema, difference: str) -> None:
    with pytest.raises(FailedPrecondition, match=f"{version(2)} {difference} than {version(1)}"):
        check_alike([Model(version(1), PRICE, SumRuntime(1)), Model(version(2), other, SumRuntime(2))])


def test_models_of_other_classes_share_no_traffic() -> None:
    other = replace(INCOME, classes=(">50K", "<=50K"))
    with pytest.raises(FailedPrecondition, match="answers other classes"):
        check_alike([Model(version(1), INCOME, SumRuntime(1)), Model(version(2), other, SumRuntime(2))])
