"""Names of resources as callers write them in a body, made whole and kept within their project."""

from __future__ import annotations

from fairlead.kit.errors import FieldViolation, InvalidArgument


def qualify(project: str, collection: str, reference: str, field: str) -> str:
    """Return the full name of a reference; "" stays "".

    Within "projects/p" and the collection "datasets" all of these name the same: "adult", "datasets/adult" and
    "projects/p/datasets/adult". Raises InvalidArgument for a name of another project, naming the field.
    """
    if not reference:
        return ""
    if reference.startswith(f"{project}/"):
        return reference
    if reference.startswith("projects/"):
        rule = f"must be a resource of {project}"
        raise InvalidArgument(f"{field} '{reference}' {rule}", violations=[FieldViolation(field, rule)])
    return f"{project}/{reference}" if reference.startswith(f"{collection}/") else f"{project}/{collection}/{reference}"
