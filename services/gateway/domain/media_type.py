"""Which of two representations a caller wants."""

from __future__ import annotations


def wants_text(format_: str, accept: str) -> bool:
    """Return True where a caller asks for plain text: by ?format=text, or by an Accept header that ranks it higher."""
    if format_:
        return format_ == "text"
    qualities = {"text/plain": 0.0, "application/json": 0.0}
    for part in accept.split(","):
        name, *parameters = (piece.strip() for piece in part.split(";"))
        if name.lower() in qualities:
            qualities[name.lower()] = _quality(parameters)
    return qualities["text/plain"] > qualities["application/json"]


def _quality(parameters: list[str]) -> float:
    for parameter in parameters:
        key, _, value = parameter.partition("=")
        if key.strip() == "q":
            try:
                return float(value)
            except ValueError:
                return 0.0
    return 1.0
