"""What a Bento says of itself: requirements, the Python it wants, and a README whose example is typical."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from fairlead.admin.bento.contents import write_contents
from fairlead.admin.bento.fairlead_model.manifest import Column, Manifest
from fairlead.admin.bento.readme import readme_of
from fairlead.admin.bento.requirements import python_version_of, requirements_of
from fairlead.kit.errors import FailedPrecondition

VERSION = "projects/default/models/adult/versions/3"
COLUMNS = (
    Column("age", "number", "age"),
    Column("it's | odd", "text", "odd"),
    Column("when", "datetime", "when"),
    Column("member", "boolean", "member"),
    Column("new", "number", "new"),
)
REFERENCE = {
    "columns": [
        {"name": "age", "mean": 38.58164},
        {"name": "it's | odd", "categories": ["the 'usual'", "else"]},
        {"name": "member", "mean": 0.7},
    ]
}
TRAINED_WITH = {
    "numpy": "2.3.1",
    "onnxruntime": "1.22.0",
    "scikit-learn": "1.8.0",
    "mlflow": "3.17.2",
    "onnx": "1.18.0",
}


def manifest(native: bool = False, classes: tuple[str, ...] = ("no", "yes")) -> Manifest:
    return Manifest(VERSION, COLUMNS, classes, native)


def test_a_graph_needs_the_versions_that_it_was_checked_with_and_no_more() -> None:
    assert requirements_of(manifest(), TRAINED_WITH) == ("numpy==2.3.1", "onnxruntime==1.22.0")


def test_an_estimator_needs_what_trained_it() -> None:
    assert requirements_of(manifest(native=True), TRAINED_WITH) == ("numpy==2.3.1", "scikit-learn==1.8.0")


def test_versions_that_the_manifest_does_not_name_are_those_of_this_machine() -> None:
    assert all(re.fullmatch(r"[a-z]+==[\d.]+", each) for each in requirements_of(manifest(), {}))


def test_the_python_is_that_of_the_training(tmp_path: Path) -> None:
    assert re.fullmatch(r"3\.\d+", python_version_of(tmp_path))
    (tmp_path / "python_env.yaml").write_text("python: 3.12.4\nbuild_dependencies: []\n")
    assert python_version_of(tmp_path) == "3.12"


def test_the_example_is_a_typical_row_that_a_shell_takes_as_it_is() -> None:
    readme = readme_of(manifest(), REFERENCE, ["numpy==2.3.1"])

    quoted = re.search(r"-d '([^']*)'", readme)
    assert quoted is not None
    assert json.loads(quoted[1]) == {
        "rows": [
            {
                "age": 38.58,
                "it's | odd": "the 'usual'",
                "when": "2026-01-31T17:01:03Z",
                "member": True,
                "new": None,
            }
        ]
    }
    assert "| it's &#124; odd | text |" in readme
    assert "predicts one of no, yes" in readme


def test_a_regression_says_so() -> None:
    readme = readme_of(manifest(native=True, classes=()), {}, ["numpy==2.3.1"])

    assert "predicts a number" in readme
    assert "the pickled estimator" in readme


def test_a_manifest_of_another_release_is_refused(tmp_path: Path) -> None:
    (tmp_path / "manifest.json").write_text('{"inputs": [{"name": "age", "kind": "COLUMN_KIND_IMAGE"}]}')

    with pytest.raises(FailedPrecondition, match=r"is not readable here .*COLUMN_KIND_IMAGE"):
        write_contents(tmp_path, VERSION, tmp_path / "context")
