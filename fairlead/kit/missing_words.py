"""The words that files write for "no value": every service that reads tables, or tells of them, means the same."""

from __future__ import annotations

# Mean "missing" in any column. The words None and unknown are not here: in text they are often a class.
TEXT_TOKENS = ("?", "NA", "N/A", "n/a", "#N/A", "<NA>", "NULL", "null", "Null", "nan", "NaN", "NAN")
# Mean "missing" only where every other cell of the column is a number, a date or a truth value.
VALUE_TOKENS = (
    "-",
    "--",
    ".",
    "*",
    "na",
    "None",
    "none",
    "unknown",
    "Unknown",
    "missing",
    "n.a.",
    "#VALUE!",
    "#DIV/0!",
)
# Two-letter codes, of countries say, in which NA is Namibia.
CODE = "[A-Z]{2}"


def tokens_for_text(codes: bool) -> tuple[str, ...]:
    """Return the tokens that mean missing in a text column; codes tells that all its values are like CODE."""
    return tuple(token for token in TEXT_TOKENS if not (codes and token == "NA"))
