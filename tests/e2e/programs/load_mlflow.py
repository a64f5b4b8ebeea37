"""Loads a registered model with nothing but MLflow and prints its scores as JSON."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

os.environ["MLFLOW_DISABLE_TELEMETRY"] = "true"

import mlflow
import numpy as np
import pandas as pd


def main() -> None:
    request = json.loads(Path(sys.argv[1]).read_text())
    mlflow.set_tracking_uri(f"sqlite:///{request['home']}/mlflow.db")
    _, project, _, model, _, version = request["model_version"].split("/")
    loaded = mlflow.pyfunc.load_model(f"models:/{project}.{model}/{version}")
    answer = loaded.predict(pd.DataFrame(request["rows"]))
    if isinstance(answer, pd.DataFrame):
        probabilities = [name for name in answer.columns if str(name).startswith("probability_")]
        scores = answer[probabilities[-1]] if probabilities else answer.iloc[:, 0]
    else:
        scores = np.asarray(answer)
        scores = scores[:, -1] if scores.ndim == 2 else scores
    print(json.dumps([float(score) for score in scores]))


if __name__ == "__main__":
    main()
