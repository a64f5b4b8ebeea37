"""Loads a registered model with nothing but MLflow and prints its scores as JSON."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

os.environ["MLFLOW_DISABLE_TELEMETRY"] = "true"

if endpoint := os.environ.get("FAIRLEAD_S3_ENDPOINT_URL"):
    os.environ["MLFLOW_S3_ENDPOINT_URL"] = endpoint

import mlflow
import numpy as np
import pandas as pd


def main() -> None:
    request = json.loads(Path(sys.argv[1]).read_text())
    mlflow.set_tracking_uri(request["mlflow_url"])
    mlflow.set_registry_uri(request["mlflow_url"])
    _, project, _, model, _, version = request["model_version"].split("/")
    loaded = mlflow.pyfunc.load_model(f"models:/{project}.{model}/{version}")
    answer = loaded.predict(pd.DataFrame(request["rows"]))
    # Classifiers give one column of probabilities a class, in the order of the classes; regressors one value a row.
    scores = answer.iloc[:, -1] if isinstance(answer, pd.DataFrame) else np.asarray(answer)
    print(json.dumps([float(score) for score in scores]))


if __name__ == "__main__":
    main()
