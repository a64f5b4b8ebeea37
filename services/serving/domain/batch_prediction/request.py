"""What a batch prediction may be asked for."""

from __future__ import annotations

from dataclasses import dataclass

from fairlead.kit.errors import FieldViolation, InvalidArgument
from fairlead.kit.resources import parse_name

BATCH_KIND = "batch_predict"
DATASET_VERSION = "projects/{project}/datasets/{dataset}/versions/{version}"
MODEL_VERSION = "projects/{project}/models/{model}/versions/{version}"
MODEL_ALIAS = "projects/{project}/models/{model}/aliases/{alias}"
FORMATS = ("csv", "jsonl", "parquet")

ENDINGS = {
    "csv": "csv",
    "tsv": "csv",
    "tab": "csv",
    "txt": "csv",
    "jsonl": "jsonl",
    "ndjson": "jsonl",
    "parquet": "parquet",
    "pq": "parquet",
}
"""How a file is read that is predicted as it is, by the ending of its name."""


@dataclass(frozen=True)
class BatchSource:
    """A dataset version, or a file as it is: the key of its blob and its name."""

    dataset_version: str = ""
    blob: str = ""
    file_name: str = ""

    @property
    def said(self) -> str:
        """Return what a person calls it."""
        return self.dataset_version or self.file_name or "the file"


def check_source(source: BatchSource) -> None:
    """Raise InvalidArgument unless it is a dataset version or a file of a kind that can be read, and not both."""
    if bool(source.dataset_version) == bool(source.blob):
        message = "name either a dataset_version or a file to predict"
        raise InvalidArgument(message, violations=[FieldViolation("dataset_version", message)])
    if source.dataset_version:
        parse_name(DATASET_VERSION, source.dataset_version)
    else:
        kind_of(source.file_name)


def check_format(format: str) -> str:
    """Return the format of the result, csv when none is asked for. Raises InvalidArgument for another one."""
    if format and format not in FORMATS:
        message = f"format '{format}' can't be written; choose one of {', '.join(FORMATS)}"
        raise InvalidArgument(message, violations=[FieldViolation("format", message)])
    return format or FORMATS[0]


def check_version(model_version: str, project: str) -> None:
    """Raise InvalidArgument unless it is empty, or names a version or an alias of this project."""
    if not model_version:
        return
    pattern = MODEL_ALIAS if "/aliases/" in model_version else MODEL_VERSION
    if parse_name(pattern, model_version)["project"] != project:
        message = f"'{model_version}' is a version of another project"
        raise InvalidArgument(message, violations=[FieldViolation("model_version", message)])


def kind_of(file_name: str) -> str:
    """Return csv, jsonl or parquet by the ending of a file's name; a name without an ending is CSV.

    Raises InvalidArgument for an ending that can't be predicted as it is.
    """
    _, dot, ending = file_name.rpartition(".")
    if not dot:
        return "csv"
    kind = ENDINGS.get(ending.lower())
    if kind is None:
        message = (
            f"'{file_name}' can't be predicted as it is (what can: {', '.join('.' + each for each in ENDINGS)}); "
            "import it as a dataset, and predict that"
        )
        raise InvalidArgument(message, violations=[FieldViolation("file_name", message)])
    return kind
