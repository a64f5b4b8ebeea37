"""The words for "no value" in a text column."""

from __future__ import annotations

from fairlead.kit.missing_words import TEXT_TOKENS

# Two-letter codes, of countries say, in which NA is Namibia.
CODE_LENGTH = 2


def tokens_for_text(codes: bool) -> tuple[str, ...]:
    """Return the tokens that mean missing in a text column; codes tells that all its values are two capital letters."""
    return tuple(token for token in TEXT_TOKENS if not (codes and token == "NA"))
