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
