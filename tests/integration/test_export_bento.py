"""An exported Bento runs by `bentoml serve` without Fairlead, and answers what Fairlead answers."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path
from typing import Any

import httpx
import pytest

from fairlead.admin.bento import ExportedBento, export_bento
from fairlead.api.trainer.v1.model_pb2 import ModelRuntime
from fairlead.kit.errors import AlreadyExists, FailedPrecondition
from services.serving.adapters.models.package import load_package
from services.serving.domain.requests.rows import columns_of_rows
from tests.integration.bentos import bentoml, package, served, zipped
from tests.unit.trainer.export.candidates import fit
from tests.unit.trainer.preparation.tables import adult, sample

ONNX, NATIVE = ModelRuntime.MODEL_RUNTIME_ONNX, ModelRuntime.MODEL_RUNTIME_NATIVE
ADULT = "projects/default/models/adult/versions/3"
TAXI = "projects/default/models/taxi/versions/12"
PEOPLE: list[dict[str, Any]] = [
    {
        "age": 39, "workclass": "State-gov", "fnlwgt": 77516, "education": "Bachelors", "education-num": 13,
        "marital-status": "Never-married", "occupation": "Adm-clerical", "relationship": "Not-in-family",
        "race": "White", "sex": "Male", "capital-gain": 2174, "capital-loss": 0, "hours-per-week": 40,
        "native-country": "United-States",
    },
]  # fmt: skip
PEOPLE += [
    {**PEOPLE[0], "age": None, "workclass": None, "native-country": None, "fnlwgt": None},
    {**PEOPLE[0], "occupation": "Astronaut", "education": "", "capital-gain": 99999.5, "another": [1]},
    dict.fromkeys(PEOPLE[0]),
]
TRIPS: list[dict[str, Any]] = [
    {
        "pickup": "2019-03-23 20:21:09", "dropoff": "2019-03-23T20:27:24Z", "passengers": 1, "distance": 1.6,
        "fare": 7.0, "tip": 2.15, "tolls": 0.0, "color": "yellow", "payment": "credit card",
        "pickup_zone": "Lenox Hill West", "dropoff_zone": "UN/Turtle Bay South",
        "pickup_borough": "Manhattan", "dropoff_borough": "Manhattan",
    },
]  # fmt: skip
TRIPS += [
    {**TRIPS[0], "pickup": None, "payment": None, "distance": None},
    {**TRIPS[0], "color": "purple", "pickup_zone": "Atlantis", "passengers": 6.0},
    dict.fromkeys(TRIPS[0]),
]


@pytest.fixture(scope="module")
def adult_package(tmp_path_factory: pytest.TempPathFactory) -> Path:
    people = adult(1500)
    return package(tmp_path_factory.mktemp("adult") / "package", fit(people, "lightgbm"), people, ONNX)


@pytest.fixture(scope="module")
def adult_bento(adult_package: Path) -> ExportedBento:
    return export_bento(zipped(adult_package), ADULT, adult_package.parent / "adult-bento")


@pytest.fixture(scope="module")
def adult_http(adult_bento: ExportedBento, tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    # As its README says.
    with served(".", tmp_path_factory.mktemp("serve"), cwd=adult_bento.path) as http:
        yield http


def expected(folder: Path, version: str, rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """What Fairlead's own serving answers for the rows."""
    model = load_package(folder, version)
    predicted = model.predict(*columns_of_rows(model.schema, rows))
    if predicted.values is not None:
        return [{"value": pytest.approx(value, abs=1e-9)} for value in predicted.values.tolist()]
    assert predicted.labels is not None and predicted.probabilities is not None
    return [
        {"label": label, "probabilities": pytest.approx(dict(zip(model.schema.classes, row, strict=True)), abs=1e-9)}
        for label, row in zip(predicted.labels, predicted.probabilities.tolist(), strict=True)
    ]


def test_it_answers_what_fairlead_answers_with_missing_values_and_unseen_categories(
    adult_http: httpx.Client, adult_package: Path
) -> None:
    told = adult_http.post("/predict", json={"rows": PEOPLE, "request_id": "order-17"}).json()
    many = adult_http.post("/predict", json={"rows": PEOPLE * 500}).json()

    assert told == {
        "request_id": "order-17",
        "model_version": ADULT,
        "predictions": expected(adult_package, ADULT, PEOPLE),
    }
    assert many["predictions"] == told["predictions"] * 500
    assert many["request_id"]


def test_a_regression_with_times_answers_what_fairlead_answers(tmp_path: Path) -> None:
    trips = sample("nyc_taxis/nyc_taxis.csv.gz", "total", 1500)
    folder = package(tmp_path / "package", fit(trips, "xgboost"), trips, ONNX)
    made = export_bento(zipped(folder), TAXI, tmp_path / "taxi-bento")

    with served(str(made.path), tmp_path) as http:
        told = http.post("/predict", json={"rows": TRIPS}).json()

    assert told["predictions"] == expected(folder, TAXI, TRIPS)
    assert (made.tag, made.runtime) == ("taxi:12", "onnx")
    assert [line.partition("==")[0] for line in made.requirements] == ["numpy", "onnxruntime"]


def test_a_model_that_onnx_can_not_serve_is_served_by_its_estimator_without_fairlead(tmp_path: Path) -> None:
    people = adult(800)
    folder = package(tmp_path / "package", fit(people, "xgboost"), people, NATIVE)
    made = export_bento(zipped(folder), ADULT, tmp_path / "adult-bento")

    with served(str(made.path), tmp_path) as http:
        told = http.post("/predict", json={"rows": PEOPLE}).json()

    assert told["predictions"] == expected(folder, ADULT, PEOPLE)
    needed = {line.partition("==")[0] for line in made.requirements}
    assert needed == {"cloudpickle", "lightgbm", "numpy", "scikit-learn", "xgboost-cpu"}


def test_the_archive_is_imported_into_a_store_and_served_by_its_tag(adult_package: Path, tmp_path: Path) -> None:
    made = export_bento(zipped(adult_package), ADULT, tmp_path / "adult.bento")

    assert "adult:3" in bentoml(tmp_path, "import", str(made.path))
    with served(made.tag, tmp_path) as http:
        told = http.post("/predict", json={"rows": PEOPLE}).json()

    assert told["predictions"] == expected(adult_package, ADULT, PEOPLE)


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        ([{**PEOPLE[0], "age": "old"}], "row 0, column 'age': expected a number, got 'old'"),
        ([PEOPLE[0], {"age": 39}], "row 1 lacks the columns 'workclass'"),
        ([], "rows must be a list of one or more objects"),
        ([3], "1 validation error"),
    ],
)
def test_a_wrong_row_is_named(adult_http: httpx.Client, rows: list[Any], said: str) -> None:
    answer = adult_http.post("/predict", json={"rows": rows})

    assert answer.status_code == 400
    assert said in answer.json()["error"]


@pytest.mark.parametrize("member", ["explain", "interval", "routing_key", "typo"])
def test_what_a_bento_does_not_do_is_refused(adult_http: httpx.Client, member: str) -> None:
    answer = adult_http.post("/predict", json={"rows": PEOPLE, member: True})

    assert answer.status_code == 400
    assert [(wrong["loc"], wrong["msg"]) for wrong in answer.json()["detail"]] == [
        ([member], "Extra inputs are not permitted")
    ]


def test_the_readme_has_an_example_that_works(adult_http: httpx.Client, adult_bento: ExportedBento) -> None:
    readme = (adult_bento.path / "README.md").read_text()
    command = re.search(r"^ +(curl .*)$", readme, re.MULTILINE)
    assert command is not None

    address = str(adult_http.base_url).rstrip("/")
    line = command[1].replace("http://localhost:3000", address)
    done = subprocess.run(line, shell=True, capture_output=True, text=True, check=True)

    assert '"label":' in done.stdout
    assert "bentoml serve" in readme
    assert (adult_bento.path / "src" / "model" / "model_card.md").read_text() == "# How it was trained\n"


def test_the_service_is_our_source_as_it_is(adult_bento: ExportedBento) -> None:
    from fairlead.admin.bento.contents import SOURCE

    sources = {path.name: path.read_text() for path in SOURCE.glob("*.py")}
    assert {path.name: path.read_text() for path in (adult_bento.path / "src/fairlead_model").glob("*.py")} == sources


def test_its_image_is_made_of_what_is_there_and_of_the_versions_tested_here(
    adult_bento: ExportedBento,
) -> None:
    lines = (adult_bento.path / "env/docker/Dockerfile").read_text().splitlines()
    copied = [line.split()[-2] for line in lines if line.startswith("COPY")]
    pinned = (adult_bento.path / "env/python/requirements.txt").read_text().split()

    assert f"FROM python:{sys.version_info.major}.{sys.version_info.minor}-slim AS base-container" in lines
    assert {"./env/docker", "./env/python", "."} <= set(copied)
    assert all((adult_bento.path / source).exists() for source in copied)
    assert 'ENTRYPOINT [ "/home/bentoml/bento/env/docker/entrypoint.sh" ]' in lines
    assert (adult_bento.path / "env/docker/entrypoint.sh").is_file()
    assert pinned == [f"{name}=={version(name)}" for name in ("numpy", "onnxruntime", "bentoml")]


def test_its_own_description_names_each_column_and_what_is_answered(adult_http: httpx.Client) -> None:
    document = adult_http.get("/docs.json").json()

    body = document["paths"]["/predict"]["post"]["requestBody"]["content"]["application/json"]["schema"]
    row = body["properties"]["rows"]["items"]
    assert row["required"] == list(PEOPLE[0])
    assert row["properties"]["age"] == {"type": "number", "nullable": True}
    assert row["properties"]["workclass"]["type"] == "string"
    assert "Classified" in document["components"]["schemas"]
    assert adult_http.get("/").status_code == 200


def test_the_open_inference_protocol_is_spoken(adult_http: httpx.Client) -> None:
    rows = PEOPLE[:3]
    tensors = [
        {"name": name, "datatype": "FP64" if name in numbers() else "BYTES", "shape": [3, 1],
         "data": [row[name] if name in numbers() or row[name] is not None else "" for row in rows]}
        for name in PEOPLE[0]
    ]  # fmt: skip
    told = adult_http.post("/v2/models/adult/infer", json={"id": "7", "inputs": tensors}).json()
    plain = adult_http.post("/predict", json={"rows": rows}).json()["predictions"]
    one = {"inputs": tensors, "outputs": [{"name": "predict_proba"}]}

    labels, shares = told["outputs"]
    assert (told["model_name"], told["model_version"], told["id"]) == ("adult", "3", "7")
    assert (labels["data"], labels["shape"]) == ([each["label"] for each in plain], [3])
    assert shares["data"] == [share for each in plain for share in each["probabilities"].values()]
    assert adult_http.post("/v2/models/adult/versions/3/infer", json=one).json()["outputs"] == [shares]
    assert adult_http.get("/v2/models/adult/ready").status_code == 200
    assert len(adult_http.get("/v2/models/adult").json()["inputs"]) == len(PEOPLE[0])
    assert adult_http.get("/v2/models/other").status_code == 404
    assert "'age'" in adult_http.post("/v2/models/adult/infer", json={"inputs": tensors[1:]}).json()["error"]
    wrong = adult_http.post("/v2/models/adult/infer", json={"inputs": tensors, "outputs": ["predict"]})
    assert (wrong.status_code, wrong.json()["error"][:9]) == (400, "outputs: ")


def numbers() -> set[str]:
    return {name for name, value in PEOPLE[0].items() if not isinstance(value, str)}


def test_what_is_there_is_not_overwritten(adult_package: Path, tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()

    with pytest.raises(AlreadyExists, match="remove it or choose another with --output"):
        export_bento(zipped(adult_package), ADULT, tmp_path / "mine")


def test_a_package_without_its_graph_is_refused(adult_package: Path, tmp_path: Path) -> None:
    folder = tmp_path / "package"
    folder.mkdir()
    (folder / "manifest.json").write_text((adult_package / "manifest.json").read_text())

    with pytest.raises(FailedPrecondition, match=r"the package of .*/adult/versions/3 has no model\.onnx"):
        export_bento(zipped(folder), ADULT, tmp_path / "bento")
    assert not (tmp_path / "bento").exists()
