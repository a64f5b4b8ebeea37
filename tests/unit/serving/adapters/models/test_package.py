from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from fairlead.api.trainer.v1 import model_pb2
from fairlead.kit.blobs import open_blob_store
from fairlead.kit.blobs.local import LocalBlobStore
from fairlead.kit.errors import FailedPrecondition
from services.serving.adapters.models.package import FetchedPackage, PackageLoader, load_package
from services.serving.domain.models.model import ModelSource
from services.serving.domain.requests.columns import columns_of
from tests.unit.serving import packages

VERSION = "projects/p/models/m/versions/1"


def columns(rows: np.ndarray, model: packages.Package) -> dict[str, np.ndarray]:
    names = [column.name for column in model.manifest.inputs]
    return {name: rows[:, index].astype(object if name == "workclass" else float) for index, name in enumerate(names)}


@pytest.mark.parametrize("runtime", [model_pb2.MODEL_RUNTIME_ONNX, model_pb2.MODEL_RUNTIME_NATIVE])
def test_either_runtime_predicts_what_the_pipeline_predicts(tmp_path: Path, runtime: int) -> None:
    package = packages.classifier(tmp_path / "package", runtime=runtime)
    model = load_package(package.folder, VERSION)
    rows, _ = packages.census_rows(300, seed=7)
    given, count = columns_of(model.schema, columns(rows, package))
    prediction = model.predict(given, count)
    expected = package.pipeline.predict_proba(rows)
    assert prediction.probabilities is not None
    np.testing.assert_allclose(prediction.probabilities, expected, atol=1e-6)
    assert prediction.labels == [("<=50K", ">50K")[best] for best in expected.argmax(axis=1)]


def test_a_regression_answers_values(tmp_path: Path) -> None:
    model = load_package(packages.regressor(tmp_path / "package").folder, VERSION)
    given, count = columns_of(model.schema, {"rooms": np.array([3.0, 1.0]), "age": np.array([1.0, 2.0])})
    values = model.predict(given, count).values
    assert values is not None
    np.testing.assert_allclose(values, [18.0, 11.0], atol=1e-4)


def test_a_column_that_the_graph_names_otherwise_finds_its_tensor(tmp_path: Path) -> None:
    model = load_package(packages.classifier(tmp_path / "package").folder, VERSION)
    assert model.schema.by_name["hours-per-week"].tensor == "hours_per_week"


def test_an_absent_package_is_told_as_a_precondition(tmp_path: Path) -> None:
    load = PackageLoader(open_blob_store(f"file://{tmp_path}/blobs", tmp_path / "cache"))
    with pytest.raises(FailedPrecondition, match="is not in the blob store"):
        load(ModelSource(VERSION, "models/p/none"))
    with pytest.raises(FailedPrecondition, match="is not in the blob store"):
        load.fetch(ModelSource(VERSION, "models/p/none"))


class CountedStore(LocalBlobStore):
    """A store that counts how often it is asked for a folder."""

    def __init__(self, root: Path) -> None:
        super().__init__(root)
        self.asked = 0

    def fetch_folder(self, key: str) -> Path:
        self.asked += 1
        return super().fetch_folder(key)


def test_a_loading_asks_the_store_once(tmp_path: Path) -> None:
    blobs = CountedStore(tmp_path / "blobs")
    key = blobs.put_folder(packages.classifier(tmp_path / "package").folder, "models/p/1")
    load = PackageLoader(blobs)
    fetched = load.fetch(ModelSource(VERSION, key))
    assert load.load(fetched).version == VERSION
    assert blobs.asked == 1
    # Copies of remote packages may be put away at any time.
    assert load.load(FetchedPackage(fetched.source, tmp_path / "away")).version == VERSION
    assert blobs.asked == 2


def overwritten(data: bytes) -> bytes:
    return b"not what it should be"


def truncated(data: bytes) -> bytes:
    return data[: len(data) // 2]


def emptied(data: bytes) -> bytes:
    return b""


@pytest.mark.parametrize("spoil", [overwritten, truncated, emptied])
@pytest.mark.parametrize("broken", ["manifest.json", "model.onnx"])
def test_a_broken_package_is_told_with_its_version(
    tmp_path: Path, broken: str, spoil: Callable[[bytes], bytes]
) -> None:
    package = packages.classifier(tmp_path / "package")
    (package.folder / broken).write_bytes(spoil((package.folder / broken).read_bytes()))
    blobs = open_blob_store(f"file://{tmp_path}/blobs", tmp_path / "cache")
    key = blobs.put_folder(package.folder, "models/p/broken")
    with pytest.raises(FailedPrecondition, match=f"the package of {VERSION} can't be loaded"):
        PackageLoader(blobs)(ModelSource(VERSION, key))
