"""What the Open Inference Protocol tells of models, as its messages."""

from __future__ import annotations

from fairlead.api.inference.v2 import open_inference_pb2 as pb

from ...domain.repository import ModelDescription, VersionStatistics
from ...domain.requests.outputs import input_infos, output_infos
from ...domain.server_info import BACKEND, PLATFORM

_DATA_TYPES = {"BYTES": pb.TYPE_STRING, "BOOL": pb.TYPE_BOOL, "FP64": pb.TYPE_FP64}


def to_config(found: ModelDescription) -> pb.ModelConfig:
    """Return a model's configuration; its versions are those that are served."""
    schema = found.model.schema
    config = pb.ModelConfig(
        name=found.name,
        platform=PLATFORM,
        backend=BACKEND,
        input=[
            pb.ModelInput(name=info.name, data_type=_DATA_TYPES[info.datatype], dims=info.shape)
            for info in input_infos(schema)
        ],
        output=[
            pb.ModelOutput(name=info.name, data_type=_DATA_TYPES[info.datatype], dims=info.shape)
            for info in output_infos(schema)
        ],
    )
    config.version_policy.specific.versions.extend(int(number) for number in found.versions if number.isdigit())
    for name, value in found.parameters.items():
        config.parameters[name].string_value = value if isinstance(value, str) else ",".join(value)
    return config


def to_statistics(entry: VersionStatistics) -> pb.ModelStatistics:
    """Return what one version of a model has done."""
    done = entry.statistics
    reading_ns = max(0, done.total_ns - done.compute_ns)
    return pb.ModelStatistics(
        name=entry.name,
        version=entry.version,
        last_inference=done.last_ms,
        inference_count=done.rows,
        execution_count=done.runs,
        inference_stats=pb.InferStatistics(
            success=pb.StatisticDuration(count=done.requests, ns=done.total_ns),
            fail=pb.StatisticDuration(count=done.failures, ns=done.failure_ns),
            queue=pb.StatisticDuration(),
            compute_input=pb.StatisticDuration(count=done.requests, ns=reading_ns),
            compute_infer=pb.StatisticDuration(count=done.requests, ns=done.compute_ns),
            compute_output=pb.StatisticDuration(),
        ),
    )
