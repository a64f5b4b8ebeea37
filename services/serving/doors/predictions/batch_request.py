"""A request of a batch prediction as it comes over the wire."""

from __future__ import annotations

from fairlead.api.serving.v1 import prediction_service_pb2 as pb
from fairlead.kit.errors import FieldViolation, InvalidArgument

from ...domain.batch_prediction.request import BatchSource, check_format, check_source, check_version


def source_of(request: pb.BatchPredictRequest) -> BatchSource:
    """Return what is to be predicted."""
    return BatchSource(request.dataset_version, request.source_blob, request.file_name)


def check_batch(request: pb.BatchPredictRequest, project: str) -> None:
    """Raise InvalidArgument for what can't be predicted or written, or a version of another project."""
    check_source(source_of(request))
    check_format(request.format)
    check_version(request.model_version, project)
    if request.max_rejected_rows < 0:
        message = "max_rejected_rows must be 0 or more"
        raise InvalidArgument(message, violations=[FieldViolation("max_rejected_rows", message)])
