"""MLflow's own client of S3, told what ours is told, so that artifacts lie beside the blobs."""

from __future__ import annotations

import json
from collections.abc import Mapping

from fairlead.kit.settings import KitSettings


def artifact_environment(settings: KitSettings) -> Mapping[str, str]:
    """Return the variables that MLflow and boto3 read; people who load models from S3 set the first two likewise."""
    told = {"MLFLOW_S3_ENDPOINT_URL": settings.s3_endpoint_url, "AWS_DEFAULT_REGION": settings.s3_region}
    if settings.s3_server_side_encryption:
        extra: dict[str, str] = {"ServerSideEncryption": settings.s3_server_side_encryption}
        if settings.s3_kms_key_id and settings.s3_server_side_encryption == "aws:kms":
            extra["SSEKMSKeyId"] = settings.s3_kms_key_id
        told["MLFLOW_S3_UPLOAD_EXTRA_ARGS"] = json.dumps(extra)
    return {name: value for name, value in told.items() if value}
