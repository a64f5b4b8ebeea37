"""Resource names, such as projects/{project}/runs/{run}."""

from __future__ import annotations

import re
from functools import lru_cache

from fairlead.kit.errors import FieldViolation, InvalidArgument

_ID = re.compile(r"[a-z][a-z0-9-]{0,62}")


@lru_cache(maxsize=256)
def _compiled(pattern: str) -> re.Pattern[str]:
    parts = re.split(r"\{(\w+)\}", pattern)
    return re.compile("".join(f"(?P<{part}>[^/]+)" if i % 2 else re.escape(part) for i, part in enumerate(parts)))


def parse_name(pattern: str, name: str) -> dict[str, str]:
    """Return the ids in a resource name, by the names in the pattern.

    Raises InvalidArgument where the name does not have the pattern.
    """
    match = _compiled(pattern).fullmatch(name)
    if match is None:
        raise InvalidArgument(
            f"'{name}' is not a name of the form {pattern}",
            violations=[FieldViolation("name", f"must have the form {pattern}")],
        )
    return match.groupdict()


def require_id(value: str, field: str) -> str:
    """Return the id unchanged. Raises InvalidArgument where it can't be part of a resource name."""
    if _ID.fullmatch(value) is None:
        rule = "must be lowercase letters, digits and hyphens, at most 63, beginning with a letter"
        raise InvalidArgument(f"{field} '{value}' {rule}", violations=[FieldViolation(field, rule)])
    return value
