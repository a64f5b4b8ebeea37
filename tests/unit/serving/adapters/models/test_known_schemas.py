from pathlib import Path

from fairlead.kit.blobs.local import LocalBlobStore
from services.serving.adapters.models.known_schemas import KnownSchemas
from services.serving.domain.models.model import Model, ModelSource
from tests.unit.serving import packages
from tests.unit.serving.houses import SumRuntime
from tests.unit.serving.schemas import PRICE

SOURCE = ModelSource("projects/p/models/m/versions/1", "models/p/1")


def test_a_model_out_of_memory_is_known_by_its_manifest_alone(tmp_path: Path) -> None:
    blobs = LocalBlobStore(tmp_path / "blobs")
    package = tmp_path / "package"
    packages.classifier(package)
    # What would be needed to load it is not there.
    (package / "model.onnx").unlink()
    blobs.put_folder(package, SOURCE.package_blob)
    schema = KnownSchemas(lambda _: None, blobs).find(SOURCE)
    assert schema is not None
    assert schema.classes == ("<=50K", ">50K")


def test_a_model_in_memory_tells_itself_and_an_absent_package_nothing(tmp_path: Path) -> None:
    blobs = LocalBlobStore(tmp_path / "blobs")
    model = Model(SOURCE.model_version, PRICE, SumRuntime(1))
    assert KnownSchemas(lambda _: model, blobs).find(SOURCE) is PRICE
    assert KnownSchemas(lambda _: None, blobs).find(SOURCE) is None
