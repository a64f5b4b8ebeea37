"""What REST says of the server and its models, as JSON values."""

from __future__ import annotations

from typing import Any

from ...domain.model import Model
from ...domain.outputs import TensorInfo, input_infos, output_infos
from ...domain.server_info import EXTENSIONS, PLATFORM, SERVER_NAME, IndexEntry
from ...domain.statistics import Statistics

_CONFIG_TYPES = {"BYTES": "TYPE_STRING", "BOOL": "TYPE_BOOL", "FP64": "TYPE_FP64"}


def server_metadata(version: str) -> dict[str, Any]:
    """Return what GET /v2 answers."""
    return {"name": SERVER_NAME, "version": version, "extensions": EXTENSIONS}


def model_metadata(name: str, model: Model) -> dict[str, Any]:
    """Return what GET /v2/models/{name} answers; the classes are in the order of predict_proba."""
    return {
        "name": name,
        "versions": [model.number],
        "platform": PLATFORM,
        "inputs": [info._asdict() for info in input_infos(model.schema)],
        "outputs": [info._asdict() for info in output_infos(model.schema)],
        "parameters": {
            "fairlead_model_version": model.version,
            "fairlead_task_type": model.schema.task.value,
            "fairlead_classes": model.schema.classes,
        },
    }


def model_config(name: str, model: Model) -> dict[str, Any]:
    """Return the model's configuration, shaped as Triton's."""
    return {
        "name": name,
        "platform": PLATFORM,
        "backend": "fairlead",
        "version_policy": {"latest": {"num_versions": 1}},
        "max_batch_size": 0,
        "input": [_config_tensor(info) for info in input_infos(model.schema)],
        "output": [_config_tensor(info) for info in output_infos(model.schema)],
    }


def model_statistics(name: str, version: str, statistics: Statistics) -> dict[str, Any]:
    """Return one entry of model_stats; durations in nanoseconds."""
    nothing = {"count": 0, "ns": 0}
    compute = {"count": statistics.requests, "ns": statistics.compute_ns}
    return {
        "name": name,
        "version": version,
        "last_inference": statistics.last_ms,
        "inference_count": statistics.rows,
        "execution_count": statistics.requests,
        "inference_stats": {
            "success": {"count": statistics.requests, "ns": statistics.total_ns},
            "fail": {"count": statistics.failures, "ns": statistics.failure_ns},
            "queue": nothing,
            "compute_input": {
                "count": statistics.requests,
                "ns": max(0, statistics.total_ns - statistics.compute_ns),
            },
            "compute_infer": compute,
            "compute_output": nothing,
        },
        "batch_stats": [],
    }


def index_entry(entry: IndexEntry) -> dict[str, Any]:
    """Return one model of the repository index."""
    return entry._asdict()


def _config_tensor(info: TensorInfo) -> dict[str, Any]:
    return {"name": info.name, "data_type": _CONFIG_TYPES[info.datatype], "dims": info.shape}
