"""What the API refused, in the words of the command line."""

from __future__ import annotations

import re

from fairlead.client.errors import ApiError
from fairlead.client.names import short_name

_NAME = re.compile(r"'(projects/[^/']+/([a-z]+)/([^/']+)[^']*)'")
_LISTED = frozenset({"datasets", "deployments", "models", "runs", "tasks", "workflows"})


def told(error: ApiError) -> tuple[str, list[str]]:
    """Return the sentence that tells of an error, and what else to tell: no more than once each."""
    sentence = str(error)
    details = [f"{e['field']}: {e['description']}" for e in error.errors]
    details = [detail for detail in details if detail not in sentence]
    if error.code != "NOT_FOUND":
        return sentence, details
    if sentence.startswith("there is no project"):
        return sentence.partition(";")[0], [*details, "see what is there: fairlead projects list"]
    named = _NAME.search(sentence)
    if named is None or named[2] not in _LISTED:
        return sentence, details
    of_model = sentence.startswith("there is no model version")
    hint = f"models versions {named[3]}" if of_model else f"{named[2]} list"
    short = _NAME.sub(lambda name: f"'{_short(name[1])}'", sentence)
    return short, [*details, f"see what is there: fairlead {hint}"]


def _short(name: str) -> str:
    return short_name(name.replace("/aliases/", "@"))
