from __future__ import annotations

import pytest

from fairlead.kit.errors import ERRORS, Code, FairleadError, Internal, error_for


def test_every_code_has_one_error() -> None:
    assert sorted(error.code.value for error in ERRORS) == sorted(code.value for code in Code)


@pytest.mark.parametrize("error", ERRORS)
def test_an_error_is_found_by_its_codes_name(error: type[FairleadError]) -> None:
    assert type(error_for(error.code.value, "why")) is error


def test_an_unknown_code_is_internal() -> None:
    assert isinstance(error_for("NEVER_HEARD", "why"), Internal)


def test_the_tree_in_the_docstring_names_every_error() -> None:
    import fairlead.kit.errors as module

    assert module.__doc__ is not None
    assert all(error.__name__ in module.__doc__ for error in ERRORS)
