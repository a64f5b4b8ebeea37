"""The MLflow model of a package; this file is copied into each package as model.py, so it stands alone."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from mlflow.models import set_model
from mlflow.pyfunc.model import PythonModel


class PackagedModel(PythonModel):
    """Predicts by model.onnx, or by native/model.pkl where the manifest says so."""

    def load_context(self, context: Any) -> None:
        """Read the manifest and open what predicts."""
        folder = Path(context.artifacts["manifest"]).parent
        manifest = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
        self.inputs = manifest["inputs"]
        self.classes = manifest.get("classes", [])
        self.session: Any = None
        self.native: Any = None
        if manifest.get("runtime") == "MODEL_RUNTIME_ONNX":
            import onnxruntime

            self.session = onnxruntime.InferenceSession(folder / "model.onnx", providers=["CPUExecutionProvider"])
        else:
            import cloudpickle

            with (folder / "native" / "model.pkl").open("rb") as file:
                self.native = cloudpickle.load(file)

    def predict(self, context: Any, model_input: pd.DataFrame, params: dict[str, Any] | None = None) -> Any:
        """A DataFrame of probabilities, a column a class; or an array of values."""
        del context, params
        absent = [item["name"] for item in self.inputs if item["name"] not in model_input.columns]
        if absent:
            raise ValueError(
                f"The input has no column '{absent[0]}'; the model reads {[i['name'] for i in self.inputs]}."
            )
        columns = {item["name"]: as_array(model_input[item["name"]], item.get("kind", "")) for item in self.inputs}
        if self.session is not None:
            feeds = {item["tensor"]: columns[item["name"]].reshape(-1, 1) for item in self.inputs}
            predictions = self.session.run(None, feeds)[0]
        else:
            predictions = self.native.predict_columns(columns)
        if not self.classes:
            return np.asarray(predictions, dtype=np.float64).reshape(-1)
        return pd.DataFrame(predictions, columns=self.classes, index=model_input.index)


def as_array(series: Any, kind: str) -> Any:
    """The column as the model reads it: text as str ("" missing), instants as seconds since 1970 UTC, else float64."""
    if kind == "COLUMN_KIND_TEXT":
        texts = ["" if missing else str(value) for value, missing in zip(series, series.isna(), strict=True)]
        return np.array([*texts, None], dtype=object)[:-1]
    if kind == "COLUMN_KIND_DATETIME" and not pd.api.types.is_numeric_dtype(series):
        return ((pd.to_datetime(series, utc=True) - pd.Timestamp(0, tz="UTC")) / pd.Timedelta(seconds=1)).to_numpy()
    return pd.to_numeric(series).to_numpy(dtype=np.float64, na_value=np.nan)


set_model(PackagedModel())
