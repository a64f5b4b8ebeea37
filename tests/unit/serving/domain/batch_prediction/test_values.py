from __future__ import annotations

import math

import pytest

from fairlead.kit.missing_words import TEXT_TOKENS, VALUE_TOKENS
from services.serving.domain.batch_prediction.values import missing_texts, number_of
from services.serving.domain.models.schema import Kind


@pytest.mark.parametrize(
    ("kind", "text", "expected"),
    [
        (Kind.NUMBER, " 39.5 ", 39.5),
        (Kind.NUMBER, "-1e3", -1000),
        (Kind.BOOLEAN, "Yes", 1),
        (Kind.BOOLEAN, "f", 0),
        (Kind.DATETIME, "1970-01-02", 86400),
        (Kind.DATETIME, "1970-01-01T01:00:00+01:00", 0),
    ],
)
def test_cells_are_read_as_the_model_reads_them(kind: Kind, text: str, expected: float) -> None:
    assert number_of(kind, text) == expected


@pytest.mark.parametrize("text", ["", " ", *TEXT_TOKENS, *VALUE_TOKENS])
@pytest.mark.parametrize("kind", [Kind.NUMBER, Kind.BOOLEAN, Kind.DATETIME])
def test_words_for_missing_are_no_value(kind: Kind, text: str) -> None:
    assert math.isnan(number_of(kind, text))


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        (Kind.NUMBER, "old"),
        (Kind.NUMBER, "1_000"),
        (Kind.NUMBER, "1,5"),
        (Kind.BOOLEAN, "2"),
        (Kind.DATETIME, "31.1.26"),
    ],
)
def test_other_cells_can_not_be_read(kind: Kind, text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        number_of(kind, text)


def test_a_word_that_the_model_knows_is_a_value() -> None:
    words = missing_texts([("country", ["Germany", "NA"])])
    assert "NA" not in words.words("country")
    assert "?" in words.words("country")
    assert "NA" in words.words("other")


def test_among_two_letter_codes_na_is_one_though_training_had_none() -> None:
    words = missing_texts([("country", ["DE", "AT"]), ("town", ["DE", "Bern"]), ("empty", [])])
    assert "NA" not in words.words("country")
    assert "N/A" in words.words("country")
    assert "NA" in words.words("town")
    assert "NA" in words.words("empty")
