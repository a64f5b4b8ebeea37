"""Words for "no value" that are values of the model's, read from the package that the trainer writes."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
from google.protobuf import json_format

from fairlead.kit.blobs import open_blob_store
from services.serving.adapters.batch_prediction.model_columns import read_column
from services.serving.adapters.batch_prediction.opening import known_texts
from services.serving.domain.models.schema import InputColumn, Kind
from services.trainer.adapters.package import reference_message
from services.trainer.domain.reference import capture_reference
from tests.unit.trainer.preparation.tables import table

FREQUENT = [f"c{number}" for number in range(150)] * 2


def test_a_file_is_read_as_the_model_was_trained_however_rare_a_value_is(tmp_path: Path) -> None:
    countries = [*FREQUENT, "NA"]
    trained = table({"country": countries}, (["p", "q"] * len(countries))[: len(countries)])
    package = tmp_path / "package"
    package.mkdir()
    reference = reference_message(capture_reference(trained))
    (package / "reference.json").write_text(json_format.MessageToJson(reference), "utf-8")
    blobs = open_blob_store(f"file://{tmp_path}/blobs", tmp_path / "cache")
    known = known_texts(blobs, blobs.put_folder(package, "models/p/1"))

    cells = pa.chunked_array([["c7", "NA", "null", "N/A", ""]])
    read = read_column(InputColumn("country", Kind.TEXT, "country"), cells, known)

    assert read.values.tolist() == ["c7", "NA", "", "", ""]


def test_of_a_package_without_a_reference_all_words_mean_missing(tmp_path: Path) -> None:
    blobs = open_blob_store(f"file://{tmp_path}/blobs", tmp_path / "cache")
    assert "NA" in known_texts(blobs, "models/p/1").words("country")
