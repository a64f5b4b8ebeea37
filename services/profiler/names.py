"""The resource names of the profiler."""

from __future__ import annotations

from fairlead.kit.errors import FieldViolation, InvalidArgument
from fairlead.kit.resources import parse_name

from .adapters.catalog import DatasetKey

PROJECT = "projects/{project}"
DATASET = "projects/{project}/datasets/{dataset}"
VERSION = "projects/{project}/datasets/{dataset}/versions/{version}"
PROFILE = "projects/{project}/datasets/{dataset}/versions/{version}/profile"


def dataset_key(name: str) -> DatasetKey:
    """Return the dataset that a name names. Raises InvalidArgument."""
    ids = parse_name(DATASET, name)
    return DatasetKey(ids["project"], ids["dataset"])


def version_key(name: str, pattern: str = VERSION) -> tuple[DatasetKey, int]:
    """Return the dataset and the version's number, 0 for "latest". Raises InvalidArgument."""
    ids = parse_name(pattern, name)
    number = ids["version"]
    if number != "latest" and not (number.isdecimal() and int(number) > 0):
        raise InvalidArgument(
            f"'{number}' is no version; write a number from 1, or 'latest'",
            violations=[FieldViolation("name", "the version must be a number from 1, or latest")],
        )
    return DatasetKey(ids["project"], ids["dataset"]), 0 if number == "latest" else int(number)
