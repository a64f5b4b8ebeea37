"""Which dataset version a person means."""

from __future__ import annotations

from fairlead.kit.errors import FieldViolation, InvalidArgument
from fairlead.kit.resources import parse_name, require_id

_VERSION = "projects/{project}/datasets/{dataset}/versions/{version}"


def version_name(project: str, dataset: str) -> str:
    """Return a version's full name of "adult", "adult/versions/2" or a full name; without a version the latest.

    Raises InvalidArgument where it is no such name, or one of another project than projects/{project}.
    """
    name = dataset if dataset.startswith("projects/") else f"{project}/datasets/{dataset}"
    name = name if "/versions/" in name else f"{name}/versions/latest"
    if not name.startswith(f"{project}/datasets/"):
        raise InvalidArgument(
            f"'{dataset}' is no dataset of {project}; a workflow works within one project",
            violations=[FieldViolation("dataset", f"must be a dataset of {project}")],
        )
    require_id(parse_name(_VERSION, name)["dataset"], "dataset")
    return name
