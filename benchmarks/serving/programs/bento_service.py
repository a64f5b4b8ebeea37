"""Peer: plain BentoML with the pipeline, as its documentation shows a scikit-learn service."""

from __future__ import annotations

import os
import pickle
from pathlib import Path
from typing import Any

import bentoml
import pandas as pd


@bentoml.service(workers=1)
class Income:
    def __init__(self) -> None:
        self.pipeline = pickle.loads(Path(os.environ["BENCHMARK_PIPELINE"]).read_bytes())

    @bentoml.api
    def predict(self, rows: list[dict[str, Any]]) -> list[list[float]]:
        found: list[list[float]] = self.pipeline.predict_proba(pd.DataFrame(rows)).tolist()
        return found
