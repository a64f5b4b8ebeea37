"""The stock tritonclient over HTTP against a gateway before a serving process: with a token, all of the protocol."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tritonclient.http as triton  # type: ignore[import-untyped]
from tritonclient.utils import InferenceServerException  # type: ignore[import-untyped]

from tests.integration.test_gateway_drain import VERSION, gateway
from tests.unit.serving import packages
from tests.unit.serving.running import BEARER, RunningService

MODEL = "p.income"
COLUMNS = {
    "age": np.array([39.0, np.nan]),
    "hours-per-week": np.array([40.0, 65.0]),
    "workclass": np.array([b"Private", b""], dtype=np.object_),
}


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[triton.InferenceServerClient]:
    folder: Path = tmp_path_factory.mktemp("triton")
    serving = RunningService(folder / "serving")
    serving.add_version(VERSION, packages.classifier(folder / "package", trees=5).folder)
    try:
        serving.start()
        serving.deploy("income", VERSION)
        with gateway(folder / "gateway", serving, serving.settings.address) as url:
            client = triton.InferenceServerClient(url.removeprefix("http://"))
            yield client
            client.close()
    finally:
        serving.close()


def token() -> dict[str, str]:
    """Return the header anew: the client writes headers of its own to what it is given."""
    return dict(BEARER)


def inputs(*, binary: bool) -> list[triton.InferInput]:
    made = []
    for name, values in COLUMNS.items():
        tensor = triton.InferInput(name, [len(values)], "BYTES" if values.dtype == np.object_ else "FP64")
        tensor.set_data_from_numpy(values, binary_data=binary)
        made.append(tensor)
    return made


def infer(client: triton.InferenceServerClient, *, binary: bool = True, **options: Any) -> Any:
    wanted = [triton.InferRequestedOutput(name, binary_data=binary) for name in ("predict", "predict_proba")]
    return client.infer(MODEL, inputs(binary=True), outputs=wanted, headers=token(), **options)


def test_server_and_model_are_ready_and_described(client: triton.InferenceServerClient) -> None:
    assert client.is_server_live(headers=token())
    assert client.is_server_ready(headers=token())
    assert client.is_model_ready(MODEL, headers=token())
    assert client.is_model_ready(MODEL, "1", headers=token())
    assert {"model_repository", "statistics", "binary_tensor_data"} <= set(
        client.get_server_metadata(headers=token())["extensions"]
    )
    assert {each["name"] for each in client.get_model_metadata(MODEL, "1", headers=token())["inputs"]} == set(COLUMNS)


@pytest.mark.parametrize("binary", [True, False])
@pytest.mark.parametrize("algorithm", [None, "gzip", "deflate"])
def test_tensors_are_inferred_from_however_they_are_written(
    client: triton.InferenceServerClient, binary: bool, algorithm: str | None
) -> None:
    plain = infer(client)
    found = infer(
        client,
        binary=binary,
        request_id="42",
        request_compression_algorithm=algorithm,
        response_compression_algorithm=algorithm,
    )

    assert found.get_response()["id"] == "42"
    assert found.as_numpy("predict").shape == (2,)
    np.testing.assert_allclose(found.as_numpy("predict_proba"), plain.as_numpy("predict_proba"))


def test_the_configuration_names_tensors_and_versions(client: triton.InferenceServerClient) -> None:
    for version in ("", "1"):
        config = client.get_model_config(MODEL, version, headers=token())
        assert {(each["name"], each["data_type"]) for each in config["input"]} == {
            (name, "TYPE_STRING" if values.dtype == np.object_ else "TYPE_FP64") for name, values in COLUMNS.items()
        }
        assert config["version_policy"] == {"specific": {"versions": [1]}}


def test_statistics_count_rows_and_requests(client: triton.InferenceServerClient) -> None:
    def told(*of: str) -> dict[str, Any]:
        (entry,) = client.get_inference_statistics(*of, headers=token())["model_stats"]
        return dict(entry)

    before = told()
    infer(client)

    for after in (told(), told(MODEL), told(MODEL, "1")):
        assert (after["name"], after["version"]) == (MODEL, "1")
        assert after["inference_count"] == before["inference_count"] + 2
        assert after["inference_stats"]["success"]["count"] == before["inference_stats"]["success"]["count"] + 1


def test_a_model_is_unloaded_loaded_and_listed(client: triton.InferenceServerClient) -> None:
    client.unload_model(MODEL, headers=token())
    client.load_model(MODEL, headers=token())

    (entry,) = client.get_model_repository_index(headers=token())
    assert (entry["name"], entry["version"], entry["state"]) == (MODEL, "1", "READY")
    with pytest.raises(InferenceServerException, match="deploy another version instead"):
        client.load_model(MODEL, config="{}", headers=token())


def test_a_caller_without_a_token_and_a_model_that_is_none_are_refused(client: triton.InferenceServerClient) -> None:
    with pytest.raises(InferenceServerException, match="no token came with the call"):
        client.get_model_config(MODEL)
    for ask in (client.get_model_config, client.get_inference_statistics, client.load_model, client.unload_model):
        with pytest.raises(InferenceServerException, match="nope"):
            ask("p.nope", headers=token())
