from __future__ import annotations

from pathlib import Path

import pytest

from fairlead.kit.errors import InvalidArgument
from services.profiler.domain.profiling.model import Target, TaskKind
from services.profiler.domain.profiling.targets import parse_condition
from tests.unit.profiler.tables import profile_of, profile_text

TARGETS = (
    ("adult/adult.csv", "income-per-year", TaskKind.BINARY),
    ("adult/adult_48842.parquet", "class", TaskKind.BINARY),
    ("adult/adult_test.csv.gz", "classification", TaskKind.BINARY),
    ("heart_disease/heart_disease.csv", "num", TaskKind.MULTICLASS),
    ("heart_disease/heart_disease_switzerland.csv", "num", TaskKind.MULTICLASS),
    ("wine_quality/winequality_red.csv", "quality", TaskKind.MULTICLASS),
    ("wine_quality/winequality_white.csv", "quality", TaskKind.MULTICLASS),
    ("california_housing/california_housing.csv.gz", "median_house_value", TaskKind.REGRESSION),
    ("titanic/titanic.csv", "Survived", TaskKind.BINARY),
    ("penguins/penguins.csv", "species", TaskKind.MULTICLASS),
    ("penguins/penguins_records.json", "Species", TaskKind.MULTICLASS),
    ("credit_g/credit_g.csv", "credit", TaskKind.BINARY),
    ("telco_churn/telco_churn.csv.gz", "Churn", TaskKind.BINARY),
    ("bike_sharing/bike_sharing_hour.csv.gz", "cnt", TaskKind.REGRESSION),
    ("diamonds/diamonds.csv.gz", "price", TaskKind.REGRESSION),
    ("auto_mpg/auto_mpg.csv", "mpg", TaskKind.REGRESSION),
    ("letter/letter.csv.gz", "letter", TaskKind.MULTICLASS),
    ("noaa_weather_stream/noaa_weather_stream.csv.gz", "target", TaskKind.BINARY),
    ("occupancy/occupancy.csv.gz", "occupancy", TaskKind.BINARY),
    ("nyc_taxis/nyc_taxis.csv.gz", "total", TaskKind.REGRESSION),
    ("birdstrikes/birdstrikes.csv.gz", "Effect Amount of damage", TaskKind.MULTICLASS),
    ("sms_spam/sms_spam.csv.gz", "type", TaskKind.BINARY),
)


@pytest.mark.parametrize(("file", "target", "kind"), TARGETS)
def test_the_target_of_a_real_file_is_guessed_with_a_reason(file: str, target: str, kind: TaskKind) -> None:
    table = profile_of(file)
    assert table.guess is not None
    assert table.guess.column == target, table.guess
    assert table.task is kind
    assert 0 < table.guess.confidence < 1
    assert "its name says" in table.guess.reason.lower()


def test_a_condition_makes_two_classes_with_their_rows() -> None:
    table = profile_of("heart_disease/heart_disease.csv", "num", "> 0")
    assert table.task is TaskKind.BINARY
    assert {level.value: level.count for level in table.classes} == {"false": 164, "true": 139}
    churn = profile_of("telco_churn/telco_churn.csv.gz", "Churn", "== Yes")
    assert {level.value: level.count for level in churn.classes} == {"true": 1_869, "false": 5_174}


def test_a_condition_that_no_row_or_every_row_meets_is_refused() -> None:
    with pytest.raises(InvalidArgument, match="only one class"):
        profile_of("heart_disease/heart_disease.csv", "num", "> 9")


@pytest.mark.parametrize("condition", ["0", "like x", "> many", ">", "=> 1"])
def test_what_is_no_comparison_is_refused(condition: str) -> None:
    with pytest.raises(InvalidArgument, match="no comparison"):
        parse_condition(condition)


@pytest.mark.parametrize(
    ("condition", "parts"), [("> 0", (">", "0")), (">=0.5", (">=", "0.5")), ("== 'yes'", ("==", "yes")), ("", ("", ""))]
)
def test_a_comparison_is_an_operator_and_a_value(condition: str, parts: tuple[str, str]) -> None:
    assert parse_condition(condition) == parts


def test_a_target_that_is_no_column_or_constant_or_a_date_is_refused(tmp_path: Path) -> None:
    text = "day,same,x\n" + "".join(f"2024-01-{i:02},k,{i % 3}\n" for i in range(1, 29))
    for column, reason in (("nope", "the columns are day, same, x"), ("same", "1 distinct"), ("day", "dates")):
        with pytest.raises(InvalidArgument, match=reason):
            profile_text(text, tmp_path, Target(column))


def test_up_to_twenty_distinct_whole_numbers_are_classes(tmp_path: Path) -> None:
    def kind(values: int) -> TaskKind | None:
        text = "x,quality\n" + "".join(f"{i / 7:.3f},{i % values}\n" for i in range(200))
        return profile_text(text, tmp_path, Target("quality")).task

    assert kind(2) is TaskKind.BINARY
    assert kind(20) is TaskKind.MULTICLASS
    assert kind(21) is TaskKind.REGRESSION
