"""Numbers in log lines and labels."""

from __future__ import annotations


def spell_number(value: float) -> str:
    """The number as a label: whole ones without a decimal point."""
    return str(int(value)) if value == int(value) else repr(value)


def show_number(value: float) -> str:
    """The number for a reader: three decimals, or three digits where it is tiny."""
    if value != 0 and abs(value) < 0.001:
        return f"{value:.3g}"
    return f"{value:.3f}".rstrip("0").rstrip(".")


def count_of(number: int, noun: str) -> str:
    """Such as `1 null` or `1,836 nulls`."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"
