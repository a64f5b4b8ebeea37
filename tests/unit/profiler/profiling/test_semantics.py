from __future__ import annotations

import pytest

from services.profiler.domain.profiling.model import Semantic
from services.profiler.domain.profiling.semantics import words_of
from tests.unit.profiler.tables import profile_of

MEANINGS = (
    ("titanic/titanic.csv", "PassengerId", Semantic.IDENTIFIER),
    ("titanic/titanic.csv", "Name", Semantic.TEXT),
    ("titanic/titanic.csv", "Sex", Semantic.CATEGORICAL),
    ("titanic/titanic.csv", "Survived", Semantic.BOOLEAN),
    ("titanic/titanic.csv", "Age", Semantic.NUMERIC),
    ("titanic/titanic.csv", "Ticket", Semantic.CATEGORICAL),
    ("telco_churn/telco_churn.csv.gz", "customerID", Semantic.IDENTIFIER),
    ("telco_churn/telco_churn.csv.gz", "Partner", Semantic.BOOLEAN),
    ("telco_churn/telco_churn.csv.gz", "tenure", Semantic.INTEGER),
    ("bike_sharing/bike_sharing_hour.csv.gz", "instant", Semantic.IDENTIFIER),
    ("bike_sharing/bike_sharing_hour.csv.gz", "dteday", Semantic.DATETIME),
    ("adult/adult.csv", "fnlwgt", Semantic.INTEGER),
    ("heart_disease/heart_disease.csv", "age", Semantic.INTEGER),
    ("awkward/star_wars_survey_latin1_dup_headers.csv.gz", "RespondentID", Semantic.IDENTIFIER),
    ("awkward/animals_311_empty_columns.csv.gz", "Due Date", Semantic.CONSTANT),
    ("sms_spam/sms_spam.csv.gz", "text", Semantic.TEXT),
)


@pytest.mark.parametrize(("file", "column", "meaning"), MEANINGS)
def test_a_real_column_means_what_a_person_would_say(file: str, column: str, meaning: Semantic) -> None:
    profile = profile_of(file).column(column)
    assert profile.semantic is meaning, profile.reason
    assert profile.reason.endswith(".")


def test_names_fall_into_words() -> None:
    assert words_of("customerID") == ("customer", "id")
    assert words_of("income-per-year") == ("income", "per", "year")
    assert words_of("Cost Total $") == ("cost", "total")
