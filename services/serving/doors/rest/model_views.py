"""What REST says of the server and its models, as JSON values."""

from __future__ import annotations

from typing import Any

from ...domain.repository import IndexEntry, ModelDescription, VersionStatistics
from ...domain.requests.outputs import TensorInfo, input_infos, output_infos
from ...domain.server_info import BACKEND, EXTENSIONS, PLATFORM, SERVER_NAME

_CONFIG_TYPES = {"BYTES": "TYPE_STRING", "BOOL": "TYPE_BOOL", "FP64": "TYPE_FP64"}


def server_metadata(version: str) -> dict[str, Any]:
    """Return what GET /v2 answers."""
    return {"name": SERVER_NAME, "version": version, "extensions": EXTENSIONS}


def model_metadata(found: ModelDescription) -> dict[str, Any]:
    """Return what GET /v2/models/{name} answers; the classes are in the order of predict_proba."""
    schema = found.model.schema
    return {
        "name": found.name,
        "versions": found.versions,
        "platform": PLATFORM,
        "inputs": [info._asdict() for info in input_infos(schema)],
        "outputs": [info._asdict() for info in output_infos(schema)],
        "parameters": found.parameters,
    }


def model_config(found: ModelDescription) -> dict[str, Any]:
    """Return the model's configuration, shaped as Triton's."""
    schema = found.model.schema
    parameters = {
        name: {"string_value": value if isinstance(value, str) else ",".join(value)}
        for name, value in found.parameters.items()
    }
    return {
        "name": found.name,
        "platform": PLATFORM,
        "backend": BACKEND,
        "version_policy": {"specific": {"versions": [int(number) for number in found.versions if number.isdigit()]}},
        "max_batch_size": 0,
        "input": [_config_tensor(info) for info in input_infos(schema)],
        "output": [_config_tensor(info) for info in output_infos(schema)],
        "parameters": parameters,
    }


def model_statistics(entry: VersionStatistics) -> dict[str, Any]:
    """Return one entry of model_stats; durations in nanoseconds."""
    done = entry.statistics
    nothing = {"count": 0, "ns": 0}
    return {
        "name": entry.name,
        "version": entry.version,
        "last_inference": done.last_ms,
        "inference_count": done.rows,
        "execution_count": done.runs,
        "inference_stats": {
            "success": {"count": done.requests, "ns": done.total_ns},
            "fail": {"count": done.failures, "ns": done.failure_ns},
            "queue": nothing,
            "compute_input": {"count": done.requests, "ns": max(0, done.total_ns - done.compute_ns)},
            "compute_infer": {"count": done.requests, "ns": done.compute_ns},
            "compute_output": nothing,
        },
        "batch_stats": [],
    }


def index_entry(entry: IndexEntry) -> dict[str, Any]:
    """Return one model of the repository index."""
    return entry._asdict()


def _config_tensor(info: TensorInfo) -> dict[str, Any]:
    return {"name": info.name, "data_type": _CONFIG_TYPES[info.datatype], "dims": info.shape}
