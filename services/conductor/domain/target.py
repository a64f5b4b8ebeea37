"""Which column a person means by a target."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from fairlead.kit.errors import FieldViolation, InvalidArgument

_COMPARISON = re.compile(r"(?P<column>.+?)\s*(?P<operator>>=|<=|==|!=|=|>|<)\s*(?P<value>.+)", re.DOTALL)


@dataclass(frozen=True)
class Resolved:
    """A target's column, its condition ("" for none), and how it was found, in one sentence."""

    column: str
    condition: str
    note: str


def resolve_target(said: str, columns: Sequence[str]) -> Resolved:
    """Return the target that was said: a column, or a comparison with one, such as "num > 0".

    A column is found by its name, by its name but for case and punctuation, or as the only one whose name holds the
    word. Raises InvalidArgument, naming the columns, where none or several fit.
    """
    said = said.strip()
    comparing = said not in columns and re.search(r"[<>=]", said) is not None
    if not comparing and (column := _find(said, columns)):
        return Resolved(column, "", _note(said, column))
    comparison = _COMPARISON.fullmatch(said)
    if comparison and (column := _find(comparison["column"].strip(), columns)):
        operator = "==" if comparison["operator"] == "=" else comparison["operator"]
        return Resolved(
            column, f"{operator} {comparison['value'].strip()}", _note(comparison["column"].strip(), column)
        )
    raise InvalidArgument(
        f"the target '{said}' is no column of the dataset, nor part of just one column's name; its columns are "
        f"{', '.join(columns)}",
        violations=[FieldViolation("target", "must be a column, or a comparison with one such as 'num > 0'")],
    )


def _find(said: str, columns: Sequence[str]) -> str:
    if said in columns:
        return said
    plain = _plain(said)
    if not plain:
        return ""
    same = [column for column in columns if _plain(column) == plain]
    holding = [column for column in columns if plain in _plain(column)]
    return next((found[0] for found in (same, holding) if len(found) == 1), "")


def _plain(name: str) -> str:
    return re.sub(r"[^a-z0-9]", "", name.lower())


def _note(said: str, column: str) -> str:
    return f"the target is '{column}'" if said == column else f"took '{said}' to mean the column '{column}'"
