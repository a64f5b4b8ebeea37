from __future__ import annotations

import pytest

from fairlead.kit.errors import InvalidArgument
from services.conductor.domain.dataset import version_name


@pytest.mark.parametrize(
    ("said", "name"),
    [
        ("adult", "projects/demo/datasets/adult/versions/latest"),
        ("adult/versions/2", "projects/demo/datasets/adult/versions/2"),
        ("projects/demo/datasets/adult", "projects/demo/datasets/adult/versions/latest"),
        ("projects/demo/datasets/adult/versions/2", "projects/demo/datasets/adult/versions/2"),
    ],
)
def test_a_dataset_is_its_latest_version_unless_told(said: str, name: str) -> None:
    assert version_name("projects/demo", said) == name


@pytest.mark.parametrize(
    "said", ["Adult", "a/b", "projects/other/datasets/adult", "projects/demo/runs/r1", "adult/versions/2/profile"]
)
def test_what_is_no_dataset_of_the_project_is_refused(said: str) -> None:
    with pytest.raises(InvalidArgument):
        version_name("projects/demo", said)
