"""Saves the pipeline as an MLflow model. Usage: save_mlflow.py PIPELINE FOLDER"""

from __future__ import annotations

import pickle
import sys
from pathlib import Path

import mlflow.sklearn

pipeline = pickle.loads(Path(sys.argv[1]).read_bytes())
mlflow.sklearn.save_model(
    pipeline,
    sys.argv[2],
    pyfunc_predict_fn="predict_proba",
    pip_requirements=[],
    serialization_format="cloudpickle",
)
