"""What is done with columns that no step has dealt with, so that any table can be trained on."""

from __future__ import annotations

import numpy as np

from .calendar import DEFAULT_PARTS
from .state import CategoryState, FitState, NumberState
from .steps.datetime_parts import take_parts
from .steps.impute import fill_number
from .steps.one_hot import one_hot
from .steps.scale import scale_encoding, scale_number
from .steps.target_encode import FOLDS, SMOOTHING, target_encode
from .wording import count_of, show_number

STEP_ID = "default"

# A text column is taken for an identifier when at least this share of its known values occur once only.
_IDENTIFIER_SHARE = 0.9
_IDENTIFIER_ROWS = 20


def treat_the_rest(state: FitState) -> None:
    """Dates to parts, texts encoded or dropped, numbers filled and scaled as the flavour needs."""
    for column in list(state.instants):
        take_parts(STEP_ID, column, DEFAULT_PARTS, state)
    for name, category in list(state.categories.items()):
        if not category.encodings:
            _treat_category(name, category, state)
    for name, number in list(state.numbers.items()):
        _treat_number(name, number, state)
    if state.flavour.scales:
        for category in state.categories.values():
            for encoding in category.encodings:
                scale_encoding(encoding, "standard")


def _treat_category(name: str, category: CategoryState, state: FitState) -> None:
    counts = category.counts()
    known = {label: count for label, count in counts.items() if label}
    rows = sum(known.values())
    if len(counts) < 2:
        _drop(name, state, "it has the same value everywhere" if known else "it has no values")
        del state.categories[name]
    elif rows >= _IDENTIFIER_ROWS and sum(1 for c in known.values() if c == 1) >= _IDENTIFIER_SHARE * rows:
        _drop(name, state, f"nearly all of its {rows:,} values occur once, as in an identifier or free text")
        del state.categories[name]
    elif len(counts) <= state.flavour.one_hot_limit:
        one_hot(STEP_ID, name, state.flavour.one_hot_limit, state)
    else:
        target_encode(STEP_ID, name, SMOOTHING, FOLDS, state)


def _treat_number(name: str, number: NumberState, state: FitState) -> None:
    known = number.values[~np.isnan(number.values)]
    missing = len(number.values) - len(known)
    varies = len(known) > 0 and bool(np.any(known != known[0]))
    if not varies and not number.flagged and (missing == 0 or len(known) == 0):
        _drop(name, state, "it has the same value everywhere" if len(known) else "it has no values")
        del state.numbers[name]
        return
    if not state.flavour.keeps_missing and np.isnan(number.fill):
        fill = fill_number(number, "median")
        if missing:
            message = f"Replaced {count_of(missing, 'null')} in '{name}' with median {show_number(fill)}"
            state.report(STEP_ID, "impute", message, missing, column=name, value=fill)
    if state.flavour.scales and not number.scaled:
        scale_number(STEP_ID, number, "standard", state)


def _drop(name: str, state: FitState, reason: str) -> None:
    state.report(STEP_ID, "drop_columns", f"Dropped '{name}': {reason}", state.table.row_count, column=name)
