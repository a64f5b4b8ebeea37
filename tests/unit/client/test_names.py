from __future__ import annotations

from pathlib import Path

import pytest

from fairlead.client import WrongProject
from fairlead.client.datasets import dataset_id_of
from fairlead.client.names import dataset_path, dataset_version_path, id_of, model_version_path, short_name


def test_the_id_is_the_last_part_of_a_name() -> None:
    assert id_of("projects/p/tasks/t1") == id_of("t1") == "t1"


@pytest.mark.parametrize(
    ("said", "path"),
    [
        ("adult", "adult/versions/latest"),
        ("adult/2", "adult/versions/2"),
        ("adult/versions/2", "adult/versions/2"),
        ("datasets/adult", "adult/versions/latest"),
        ("projects/p/datasets/adult", "adult/versions/latest"),
        ("projects/p/datasets/adult/versions/2", "adult/versions/2"),
    ],
)
def test_a_dataset_version_may_be_named_in_many_ways(said: str, path: str) -> None:
    assert dataset_version_path(said, "p") == path
    assert dataset_path(said, "p") == "adult"


@pytest.mark.parametrize(
    ("said", "path"),
    [
        ("adult", "models/adult/aliases/champion"),
        ("adult@challenger", "models/adult/aliases/challenger"),
        ("adult/3", "models/adult/versions/3"),
        ("adult/versions/3", "models/adult/versions/3"),
        ("models/adult/versions/3", "models/adult/versions/3"),
        ("projects/p/models/adult", "models/adult/aliases/champion"),
        ("projects/p/models/adult/versions/3", "models/adult/versions/3"),
        ("projects/p/models/adult/aliases/challenger", "models/adult/aliases/challenger"),
    ],
)
def test_a_model_version_may_be_named_in_many_ways(said: str, path: str) -> None:
    assert model_version_path(said, "p") == path


def test_a_name_of_another_project_is_refused_rather_than_taken_for_one_of_this() -> None:
    with pytest.raises(WrongProject, match="not in the project 'p'"):
        dataset_version_path("projects/other/datasets/adult", "p")
    with pytest.raises(WrongProject, match="projects/other"):
        model_version_path("projects/other/models/adult/versions/1", "p")


@pytest.mark.parametrize(
    ("name", "short"),
    [
        ("projects/p/models/adult/versions/3", "adult/3"),
        ("projects/p/datasets/adult/versions/3", "adult/versions/3"),
        ("projects/p/runs/r1", "r1"),
        ("adult", "adult"),
        ("", ""),
    ],
)
def test_a_name_is_shown_as_commands_take_it(name: str, short: str) -> None:
    assert short_name(name) == short


@pytest.mark.parametrize(
    ("file", "dataset"),
    [
        ("adult.csv", "adult"),
        ("Sales 2024.csv.gz", "sales-2024"),
        ("winequality.red.csv", "winequality-red"),
        ("processed.cleveland.data", "processed-cleveland"),
        ("2024.parquet", "d-2024"),
        ("Übersicht.xlsx", "bersicht"),
        ("___.csv", "dataset"),
        (f"{'x' * 62}-y.csv", "x" * 62),
    ],
)
def test_a_dataset_is_named_after_its_file(file: str, dataset: str) -> None:
    assert dataset_id_of(Path("folder") / file) == dataset
