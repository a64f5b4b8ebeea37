"""More models than memory is given for, and models whose files are damaged, behind one serving process."""

from __future__ import annotations

import signal
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import numpy as np
import onnx
import pytest

from fairlead.kit.errors import FailedPrecondition
from tests.unit.serving import packages
from tests.unit.serving.running import BEARER, RunningService, census_request

BOUND_MB, MODELS, TIMES = 64, 26, 450
MEGABYTE = 1024 * 1024
NAMES = [f"m{number}" for number in range(MODELS)]
EXPECTED_ROWS = np.array([[39.0, 40.0, "Private"], [61.0, 65.0, ""]], dtype=object)


def version(name: str) -> str:
    return f"projects/p/models/{name}/versions/1"


@pytest.fixture(scope="module")
def package(tmp_path_factory: pytest.TempPathFactory) -> packages.Package:
    """Of some megabytes in memory, though quickly trained: its few trees many times, each with a part of its weight."""
    package = packages.classifier(tmp_path_factory.mktemp("package"))
    path = package.folder / "model.onnx"
    model = onnx.load(path)
    trees = next(node for node in model.graph.node if node.op_type == "TreeEnsembleClassifier")
    for attribute in trees.attribute:
        if not attribute.name.startswith(("nodes_", "class_")):
            continue
        values = np.array(onnx.helper.get_attribute_value(attribute))
        many = np.tile(values, TIMES)
        if attribute.name.endswith("_treeids"):
            many = many + np.repeat(np.arange(TIMES) * (values.max() + 1), len(values))
        if attribute.name == "class_weights":
            many = many / TIMES
        attribute.CopyFrom(onnx.helper.make_attribute(attribute.name, many.tolist()))
    onnx.save(model, path)
    return package


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory, package: packages.Package) -> Iterator[RunningService]:
    folder = tmp_path_factory.mktemp("serving")
    running = RunningService(folder / "home", {"FAIRLEAD_SERVING_MODELS_MB": str(BOUND_MB)})
    for name in NAMES:
        running.add_version(version(name), package.folder)
    running.start()
    yield running
    running.close()


def probabilities(service: RunningService, name: str) -> np.ndarray:
    answer = service.predictions.Predict(census_request(f"projects/p/deployments/{name}"))
    return np.array(answer.probabilities).reshape(2, 2)


def metrics(service: RunningService) -> dict[str, float]:
    """Counts by name, labels added up."""
    found: dict[str, float] = {}
    answer = httpx.get(f"http://{service.settings.metrics_address}/metrics", headers=BEARER)
    for line in answer.text.splitlines():
        if not line.startswith("#"):
            name, _, value = line.rpartition(" ")
            found[name.partition("{")[0]] = found.get(name.partition("{")[0], 0.0) + float(value)
    return found


def damage(service: RunningService, name: str) -> bytes:
    """Cut a stored model's file in half, as a broken disk does; returns what it was."""
    file = service.blobs.fetch_folder(service.models.versions[version(name)].package_blob) / "model.onnx"
    whole = file.read_bytes()
    replace(file, whole[: len(whole) // 2])
    return whole


def replace(file: Path, content: bytes) -> None:
    file.unlink()
    file.write_bytes(content)


def test_more_models_than_memory_is_given_for_all_answer_within_the_bound(
    service: RunningService, package: packages.Package
) -> None:
    expected = package.pipeline.predict_proba(EXPECTED_ROWS)
    for name in NAMES:
        service.deploy(name, version(name))
    with ThreadPoolExecutor(2) as callers:
        for found in callers.map(lambda name: probabilities(service, name), NAMES):
            np.testing.assert_allclose(found, expected, atol=1e-6)
    counted = metrics(service)
    assert counted["fairlead_model_evictions_total"] > 0
    assert counted["fairlead_models_loaded"] < MODELS
    assert 0 < counted["fairlead_models_bytes"] <= BOUND_MB * MEGABYTE


def test_a_damaged_file_fails_only_its_own_model_and_is_read_again_once_it_is_whole(
    service: RunningService, package: packages.Package
) -> None:
    service.add_version(version("damaged"), package.folder)
    service.add_version(version("sound"), package.folder)
    for name in ("damaged", "sound"):
        service.deploy(name, version(name))
    service.end(signal.SIGTERM)
    whole = damage(service, "damaged")
    service.start()
    with pytest.raises(FailedPrecondition, match=f"the package of {version('damaged')} can't be loaded"):
        probabilities(service, "damaged")
    expected = package.pipeline.predict_proba(EXPECTED_ROWS)
    np.testing.assert_allclose(probabilities(service, "sound"), expected, atol=1e-6)
    assert metrics(service)["fairlead_model_load_failures_total"] >= 1
    folder = service.blobs.fetch_folder(service.models.versions[version("damaged")].package_blob)
    replace(folder / "model.onnx", whole)
    until = time.monotonic() + 60
    while time.monotonic() < until:
        try:
            found = probabilities(service, "damaged")
        except FailedPrecondition:
            time.sleep(0.1)
        else:
            break
    np.testing.assert_allclose(found, expected, atol=1e-6)
