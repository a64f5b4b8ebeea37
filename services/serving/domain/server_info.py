"""What this server says of itself in the Open Inference Protocol."""

from __future__ import annotations

SERVER_NAME = "fairlead"
EXTENSIONS = (
    "binary_tensor_data",
    "classification",
    "model_configuration",
    "model_repository",
    "parameters",
    "statistics",
)
PLATFORM = "fairlead_tabular"
BACKEND = "fairlead"
NOT_OFFERED = "is not offered by this server; it belongs to other servers of the protocol"
NO_OVERRIDES = "a model's files and configuration are those of its deployed version; deploy another version instead"
