"""What serving's Open Inference Protocol answers, for one model."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from google.protobuf.message import Message

from fairlead.api.inference.v2 import open_inference_pb2 as pb


def _config(asked: pb.ModelConfigRequest) -> pb.ModelConfig:
    config = pb.ModelConfig(
        name=asked.name,
        platform="fairlead_tabular",
        input=[pb.ModelInput(name="age", data_type=pb.TYPE_FP64, dims=[-1, 1])],
    )
    config.version_policy.specific.versions.append(int(asked.version or 1))
    config.parameters["fairlead_task_type"].string_value = "binary"
    return config


def _statistics(asked: pb.ModelStatisticsRequest) -> pb.ModelStatistics:
    done = {"success": 3, "fail": 1, "queue": 0, "compute_input": 3, "compute_infer": 3, "compute_output": 0}
    durations = {name: pb.StatisticDuration(count=count, ns=2**53) for name, count in done.items()}
    return pb.ModelStatistics(
        name=asked.name or "default.income",
        version=asked.version or "1",
        inference_count=5,
        execution_count=3,
        inference_stats=pb.InferStatistics(**durations),
    )


OPEN_INFERENCE: dict[str, Callable[[Any, Any], Message]] = {
    "ServerLive": lambda *_: pb.ServerLiveResponse(live=True),
    "ServerReady": lambda *_: pb.ServerReadyResponse(ready=True),
    "ModelReady": lambda _, asked: pb.ModelReadyResponse(ready=asked.name == "default.income"),
    "ServerMetadata": lambda *_: pb.ServerMetadataResponse(
        name="fairlead", extensions=["model_repository", "binary_tensor_data"]
    ),
    "ModelMetadata": lambda _, asked: pb.ModelMetadataResponse(name=asked.name, versions=["1"]),
    "ModelConfig": lambda _, asked: pb.ModelConfigResponse(config=_config(asked)),
    "ModelStatistics": lambda _, asked: pb.ModelStatisticsResponse(model_stats=[_statistics(asked)]),
    "RepositoryModelLoad": lambda *_: pb.RepositoryModelLoadResponse(),
    "RepositoryModelUnload": lambda *_: pb.RepositoryModelUnloadResponse(),
    "RepositoryIndex": lambda *_: pb.RepositoryIndexResponse(
        models=[pb.RepositoryIndexResponse.ModelIndex(name="default.income", state="READY")]
    ),
}
