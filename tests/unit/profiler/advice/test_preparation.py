from __future__ import annotations

from pathlib import Path

import pytest

from services.profiler.domain.advice.model import Step
from services.profiler.domain.advice.preparation import suggest_preparation
from services.profiler.domain.profiling.model import Target
from tests.unit.profiler.tables import profile_of, profile_text

KINDS = (
    "drop_columns", "drop_duplicates", "datetime_parts", "impute", "group_rare", "ordinal", "one_hot", "target_encode",
    "scale",
)  # fmt: skip
FILES = (
    "adult/adult.csv", "titanic/titanic.csv", "telco_churn/telco_churn.csv.gz", "bike_sharing/bike_sharing_hour.csv.gz",
    "wine_quality/winequality_white.csv", "california_housing/california_housing.csv.gz", "diamonds/diamonds.csv.gz",
    "heart_disease/heart_disease.csv", "awkward/animals_311_empty_columns.csv.gz", "sms_spam/sms_spam.csv.gz",
    "awkward/movies_records_mixed.json.gz", "nyc_taxis/nyc_taxis.csv.gz",
)  # fmt: skip


def steps(file: str) -> dict[str, Step]:
    return {step.id: step for step in suggest_preparation(profile_of(file))}


@pytest.mark.parametrize("file", FILES)
def test_steps_come_in_order_with_reasons_previews_and_never_the_target(file: str) -> None:
    table = profile_of(file)
    found = suggest_preparation(table)
    order = [KINDS.index(step.kind) for step in found]
    assert order == sorted(order)
    assert len({step.id for step in found}) == len(found)
    names = {column.name for column in table.columns}
    dropped: set[str] = set()
    for step in found:
        assert step.rationale and step.preview and 0 < step.confidence <= 1
        assert any(letter.isdigit() for letter in step.rationale + step.preview)
        assert table.target is not None
        assert table.target.column not in step.columns
        assert set(step.columns) <= names - dropped
        if step.kind == "drop_columns":
            dropped |= set(step.columns)


@pytest.mark.parametrize("file", FILES)
def test_every_text_column_that_stays_is_encoded_once_and_every_gap_filled(file: str) -> None:
    table = profile_of(file)
    found = suggest_preparation(table)
    dropped = {name for step in found if step.kind == "drop_columns" for name in step.columns}
    encoded = [name for step in found if step.kind in {"ordinal", "one_hot", "target_encode"} for name in step.columns]
    filled = [name for step in found if step.kind == "impute" for name in step.columns]
    assert len(encoded) == len(set(encoded))
    assert len(filled) == len(set(filled))
    left = [column for column in table.features if column.name not in dropped]
    if dropped != {column.name for column in table.features} and "sms" not in file:
        assert {column.name for column in left if column.type == "VARCHAR"} == set(encoded)
    assert {column.name for column in left if column.missing and column.is_number} <= set(filled)


def test_adult_gets_what_a_person_would_do() -> None:
    found = steps("adult/adult.csv")
    assert found["order-education"].params["order"][0] == "Preschool"  # type: ignore[index]
    assert found["number-sex"].kind == "ordinal"
    assert "native-country" in found["group-rare-categories"].columns
    assert found["impute-categories-constant"].params == {"strategy": "constant", "fill_value": "missing"}
    assert found["target-encode-occupation"].columns == ("occupation",)
    assert "24 of 32,561 rows" in found["drop-duplicates"].rationale


def test_identifiers_free_text_and_mostly_missing_columns_are_dropped() -> None:
    found = steps("titanic/titanic.csv")
    assert found["drop-passengerid"].columns == ("PassengerId",)
    assert found["drop-name"].columns == ("Name",)
    assert found["drop-cabin"].columns == ("Cabin",)
    assert "177" in found["impute-age"].rationale


def test_the_mean_after_imputing_is_computed_from_the_data() -> None:
    preview = steps("california_housing/california_housing.csv.gz")["impute-total-bedrooms"].preview
    assert "207 -> 0" in preview
    assert "537.9 -> 536.8" in preview


def test_three_hundred_columns_get_few_steps(tmp_path: Path) -> None:
    header = ",".join([*(f"n{i}" for i in range(150)), *(f"c{i}" for i in range(150)), "label"])
    rows = [
        ",".join(
            [
                *(str((r * i) % 17) if (r + i) % 9 else "" for i in range(150)),
                *("xyz"[(r * i) % 3] for i in range(150)),
                "ab"[r % 2],
            ]
        )
        for r in range(60)
    ]
    found = suggest_preparation(profile_text("\n".join([header, *rows]), tmp_path, Target("label")))
    assert len(found) <= 10
