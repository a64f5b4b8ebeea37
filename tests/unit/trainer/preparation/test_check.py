from __future__ import annotations

from datetime import date

import pytest

from fairlead.kit.errors import InvalidArgument
from services.trainer.domain.preparation import StepSpec, check_steps

from .tables import table

READ = table({"age": [1, 2, 3], "job": ["a", "b", "c"], "day": [date(2020, 1, 1)] * 3}, ["p", "q", "p"])


def test_a_sound_plan_passes() -> None:
    steps = [
        StepSpec("dedupe", "drop_duplicates"),
        StepSpec("fill", "impute", ("age", "job"), {"strategy": "most_frequent"}),
        StepSpec("parts", "datetime_parts", ("day",), {"parts": ["month"]}),
        StepSpec("fill-month", "impute", ("day.month",), {"strategy": "median"}),
        StepSpec("rare", "group_rare", ("job",), {"min_share": 0.02, "label": "rest"}),
        StepSpec("hot", "one_hot", ("job", "age")),
        StepSpec("scale", "scale", ("day",), {"method": "robust"}),
    ]
    check_steps(steps, READ)


@pytest.mark.parametrize(
    ("step", "words"),
    [
        (StepSpec("a", "polish", ("age",)), "Step 'a' .polish.: is no kind of step; use one of drop_columns"),
        (StepSpec("a", "impute"), "names no columns"),
        (StepSpec("a", "impute", ("wage",)), "no column 'wage'; its columns are 'age', 'job', 'day'"),
        (StepSpec("a", "impute", ("target",)), "'target' is the target"),
        (StepSpec("a", "impute", ("age",), {"strategy": "guess"}), "'strategy' is 'guess'; use one of mean, median"),
        (StepSpec("a", "impute", ("age",), {"how": "mean"}), "no parameter 'how'; its parameters are: strategy"),
        (StepSpec("a", "impute", ("age",), {"strategy": "constant"}), "needs the parameter 'value'"),
        (StepSpec("a", "impute", ("age",), {"strategy": "constant", "value": [1]}), "give a text or a number"),
        (StepSpec("a", "impute", ("age",), {"indicator": 1.0}), "give true or false"),
        (StepSpec("a", "datetime_parts", ("job",)), "'job' is a text column, and this works on datetime"),
        (StepSpec("a", "datetime_parts", ("day",), {"parts": ["eon"]}), "no calendar part 'eon'; use some of year"),
        (StepSpec("a", "datetime_parts", ("day",), {"parts": "year"}), "give a list of texts"),
        (StepSpec("a", "one_hot", ("day",)), "Take its parts with datetime_parts"),
        (StepSpec("a", "group_rare", ("job",), {"min_share": 2.0}), "give a number from 0 to 1"),
        (StepSpec("a", "group_rare", ("job",), {"label": ""}), "give a text"),
        (StepSpec("a", "target_encode", ("job",), {"folds": 1.0}), "give a number from 2 to 50"),
        (StepSpec("a", "drop_columns", ("age", "job", "day")), "nothing is left to predict from"),
    ],
)
def test_a_step_that_cannot_be_done_is_refused_with_what_to_do(step: StepSpec, words: str) -> None:
    with pytest.raises(InvalidArgument, match=words):
        check_steps([step], READ)


def test_a_dropped_column_cannot_be_used_later() -> None:
    with pytest.raises(InvalidArgument, match="'age' was dropped by step 'drop'"):
        check_steps([StepSpec("drop", "drop_columns", ("age",)), StepSpec("fill", "impute", ("age",))], READ)


def test_two_steps_need_two_ids() -> None:
    with pytest.raises(InvalidArgument, match="same id"):
        check_steps([StepSpec("a", "one_hot", ("job",)), StepSpec("a", "scale", ("age",))], READ)


def test_the_error_names_the_step_as_a_field() -> None:
    with pytest.raises(InvalidArgument) as caught:
        check_steps([StepSpec("fill", "impute", ("wage",))], READ)
    assert caught.value.violations[0].field == "steps[fill]"
