from collections.abc import Sequence

import pytest

from fairlead.kit.errors import InvalidArgument
from services.serving.domain.feedback import Feedback, Truth


class Kept:
    def __init__(self) -> None:
        self.truths: list[Truth] = []

    def publish(self, deployment: str, truths: Sequence[Truth]) -> None:
        self.truths += truths


def test_truths_are_handed_on_together() -> None:
    kept = Kept()
    assert Feedback(kept).accept("projects/p/deployments/d", [Truth("a", 0, ">50K"), Truth("a", 1, "<=50K")]) == 2
    assert [truth.row for truth in kept.truths] == [0, 1]


def test_one_that_can_not_be_joined_refuses_all_and_is_named() -> None:
    kept = Kept()
    with pytest.raises(InvalidArgument) as caught:
        Feedback(kept).accept("projects/p/deployments/d", [Truth("a", 0, "x"), Truth("", -1, "")])
    assert [v.field for v in caught.value.violations] == ["truths[1].request_id", "truths[1].row", "truths[1].value"]
    assert kept.truths == []
