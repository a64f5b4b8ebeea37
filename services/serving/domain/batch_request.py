"""What a batch prediction may be asked for."""

from __future__ import annotations

from fairlead.kit.errors import FieldViolation, InvalidArgument
from fairlead.kit.resources import parse_name

BATCH_KIND = "batch_predict"
DATASET_VERSION = "projects/{project}/datasets/{dataset}/versions/{version}"
FORMATS = ("csv", "parquet")


def check_batch(dataset_version: str, format: str) -> str:
    """Return the format of the result, csv when none is asked for.

    Raises InvalidArgument for another format or a name that is no dataset version's.
    """
    parse_name(DATASET_VERSION, dataset_version)
    if format and format not in FORMATS:
        message = f"format '{format}' can't be written; choose one of {', '.join(FORMATS)}"
        raise InvalidArgument(message, violations=[FieldViolation("format", message)])
    return format or FORMATS[0]
