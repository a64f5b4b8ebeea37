"""How commands of operators end where they can't do their work."""

from __future__ import annotations

import pytest
import typer

from fairlead.cli.operating import operating
from fairlead.kit.errors import Unavailable


def test_what_went_wrong_is_told_in_its_sentence(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(typer.Exit) as ended, operating():
        raise Unavailable("the broker is away; see that it runs")

    assert ended.value.exit_code == 1
    assert capsys.readouterr().err.strip().endswith("the broker is away; see that it runs")


def test_a_library_that_is_missing_is_told_with_what_brings_it(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(typer.Exit) as ended, operating("kit"):
        import library_of_nobody  # type: ignore[import-not-found]  # noqa: F401

    assert ended.value.exit_code == 1
    told = capsys.readouterr().err
    assert "library_of_nobody" in told
    assert "fairlead[kit]" in told


def test_a_defect_is_not_made_a_sentence() -> None:
    with pytest.raises(ZeroDivisionError), operating():
        raise ZeroDivisionError
