"""The package folder: loaded by MLflow, and by a process that has no trainer."""

from __future__ import annotations

import json
import pickle
import subprocess
import sys
from pathlib import Path

import mlflow.pyfunc
import numpy as np
import pandas as pd
import pytest
from google.protobuf.json_format import Parse

from fairlead.api.drift.v1.reference_pb2 import Reference
from fairlead.api.trainer.v1.model_pb2 import ModelInput, ModelManifest, ModelRuntime
from services.trainer.adapters.package import pickle_by_value, write_package
from services.trainer.convert import column_kind_message
from services.trainer.domain.export import FittedModel, WeightedEnsemble, tensor_names, to_onnx
from services.trainer.domain.reference import capture_reference
from services.trainer.domain.table import TrainingTable
from tests.data import SHARED_DATA

from ..preparation.tables import adult, sample, table
from .candidates import fit

ONNX, NATIVE = ModelRuntime.MODEL_RUNTIME_ONNX, ModelRuntime.MODEL_RUNTIME_NATIVE


def package(
    folder: Path, model: FittedModel | WeightedEnsemble, train: TrainingTable, runtime: ModelRuntime.ValueType
) -> Path:
    names = tensor_names(train.inputs)
    manifest = ModelManifest(
        classes=train.classes,
        inputs=[ModelInput(name=c.name, kind=column_kind_message(c.kind), tensor=names[c.name]) for c in train.inputs],
        runtime=runtime,
        metrics={"accuracy": 0.9},
    )
    write_package(
        folder,
        model=model,
        onnx_bytes=to_onnx(model, train.inputs).SerializeToString() if runtime == ONNX else None,
        manifest=manifest,
        reference=capture_reference(train, model.predict_columns(train.columns)),
        card_text="# Income\n",
    )
    return folder


@pytest.fixture(scope="module")
def people() -> TrainingTable:
    return adult(40_000).take(np.arange(800))


def rows_of_adult() -> pd.DataFrame:
    return pd.read_csv(SHARED_DATA / "adult/adult.csv", na_values=["?"]).iloc[:800].drop(columns="income-per-year")


@pytest.mark.parametrize("runtime", [ONNX, NATIVE])
def test_mlflow_loads_the_folder_and_predicts_the_same(
    tmp_path: Path, people: TrainingTable, runtime: ModelRuntime.ValueType
) -> None:
    model = WeightedEnsemble(((fit(people, "lightgbm"), 0.7), (fit(people, "linear"), 0.3)))
    loaded = mlflow.pyfunc.load_model(str(package(tmp_path / "model", model, people, runtime)))
    predicted = loaded.predict(rows_of_adult())
    assert list(predicted.columns) == ["<=50K", ">50K"]
    np.testing.assert_allclose(predicted.to_numpy(), model.predict_columns(people.columns), atol=1e-6)


def test_mlflow_takes_dates_truth_values_and_numbers_as_people_have_them(tmp_path: Path) -> None:
    trips = sample("nyc_taxis/nyc_taxis.csv.gz", "total", 6433).take(np.arange(500))
    model = fit(trips, "xgboost")
    loaded = mlflow.pyfunc.load_model(str(package(tmp_path / "trips", model, trips, ONNX)))
    frame = pd.read_csv(SHARED_DATA / "nyc_taxis/nyc_taxis.csv.gz").iloc[:500]
    expected = model.predict_columns(trips.columns)
    np.testing.assert_allclose(loaded.predict(frame), expected, rtol=1e-5)
    frame["pickup"] = pd.to_datetime(frame["pickup"])
    np.testing.assert_allclose(loaded.predict(frame), expected, rtol=1e-5)
    flags = table({"flag": [True, False, None, True] * 5}, [1.5, 2.5, 3.5, 1.5] * 5)
    model = fit(flags, "decision_tree")
    loaded = mlflow.pyfunc.load_model(str(package(tmp_path / "flags", model, flags, ONNX)))
    asked = pd.DataFrame({"flag": pd.Series([True, False, None, True] * 5, dtype=object)})
    np.testing.assert_allclose(loaded.predict(asked), model.predict_columns(flags.columns))


def test_a_frame_that_lacks_a_column_is_refused_by_name(tmp_path: Path, people: TrainingTable) -> None:
    loaded = mlflow.pyfunc.load_model(str(package(tmp_path / "model", fit(people, "linear"), people, ONNX)))
    with pytest.raises(ValueError, match="no column 'age'"):
        loaded.predict(rows_of_adult().drop(columns="age"))


def test_the_folder_holds_what_its_layout_says(tmp_path: Path, people: TrainingTable) -> None:
    folder = package(tmp_path / "model", fit(people, "linear"), people, ONNX)
    files = {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}
    assert {"MLmodel", "manifest.json", "reference.json", "model.onnx", "native/model.pkl", "model_card.md"} <= files
    manifest = Parse((folder / "manifest.json").read_text(), ModelManifest())
    assert [item.tensor for item in manifest.inputs][:3] == ["age", "workclass", "fnlwgt"]
    reference = Parse((folder / "reference.json").read_text(), Reference())
    assert [column.name for column in reference.columns][-1] == "prediction"
    assert (folder / "model_card.md").read_text() == "# Income\n"


def test_an_onnx_package_without_onnx_is_refused(tmp_path: Path, people: TrainingTable) -> None:
    with pytest.raises(ValueError, match="no ONNX model"):
        write_package(
            tmp_path,
            model=fit(people, "linear"),
            onnx_bytes=None,
            manifest=ModelManifest(runtime=ONNX),
            reference=capture_reference(people),
            card_text="",
        )


WITHOUT_TRAINER = """
import json, pickle, sys
import numpy as np

class Block:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in ("services", "tests") or name.startswith("fairlead.services"):
            raise ImportError(f"{name} is not here")
        return None

sys.meta_path.insert(0, Block())
model = pickle.load(open(sys.argv[1], "rb"))
asked = json.load(open(sys.argv[2]))
columns = {
    name: np.array([*values, None], dtype=object)[:-1] if isinstance(values[0], str) else np.array(values, dtype=float)
    for name, values in asked.items()
}
print(json.dumps(model.predict_columns(columns).tolist()))
"""


def load_elsewhere(folder: Path, pickled: bytes, read: TrainingTable) -> subprocess.CompletedProcess[str]:
    """Predict the first rows in a process that can't import this service."""
    (folder / "model.pkl").write_bytes(pickled)
    (folder / "asked.json").write_text(
        json.dumps({name: values[:50].tolist() for name, values in read.columns.items()})
    )
    files = [str(folder / "model.pkl"), str(folder / "asked.json")]
    command = [sys.executable, "-W", "ignore", "-I", "-c", WITHOUT_TRAINER, *files]
    return subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)


def test_the_native_model_loads_where_there_is_no_trainer(tmp_path: Path) -> None:
    trips = sample("nyc_taxis/nyc_taxis.csv.gz", "payment", 600)
    model = WeightedEnsemble(((fit(trips, "lightgbm"), 0.5), (fit(trips, "random_forest"), 0.5)))
    assert "pickup.hour" in model.members[0][0].preparation.feature_names
    answer = load_elsewhere(tmp_path, pickle_by_value(model), trips)
    assert answer.returncode == 0, answer.stderr
    expected = model.predict_columns({name: values[:50] for name, values in trips.columns.items()})
    np.testing.assert_array_equal(np.array(json.loads(answer.stdout)), expected)


def test_a_plain_pickle_would_not_load_there(tmp_path: Path, people: TrainingTable) -> None:
    answer = load_elsewhere(tmp_path, pickle.dumps(fit(people, "decision_tree")), people)
    assert answer.returncode != 0
    assert "services is not here" in answer.stderr or "No module named 'services'" in answer.stderr


RESTORED = """
import pickle, sys
from services.trainer.adapters.package import pickle_by_value
from services.trainer.domain.export import to_onnx
from services.trainer.domain.table import InputColumn

model = pickle.load(open(sys.argv[1], "rb"))
inputs = [InputColumn(name, kind) for name, kind in zip(sys.argv[3::2], sys.argv[4::2])]
open(sys.argv[2], "wb").write(pickle_by_value(model))
print(len(to_onnx(model, inputs).SerializeToString()))
"""


def test_a_restored_model_can_be_exported_and_stored_again(people: TrainingTable, tmp_path: Path) -> None:
    """Its classes are then copies of this service's own, so that nothing may depend on their identity."""
    model = WeightedEnsemble(((fit(people, "decision_tree"), 1.0), (fit(people, "linear"), 1.0)))
    stored, again = tmp_path / "stored.pkl", tmp_path / "again.pkl"
    stored.write_bytes(pickle_by_value(model))
    described = [text for column in people.inputs for text in (column.name, column.kind)]
    command = [sys.executable, "-W", "ignore", "-c", RESTORED, str(stored), str(again), *described]
    answer = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert answer.returncode == 0, answer.stderr
    assert int(answer.stdout) == len(to_onnx(model, people.inputs).SerializeToString())
    elsewhere = load_elsewhere(tmp_path, again.read_bytes(), people)
    assert elsewhere.returncode == 0, elsewhere.stderr
