"""A deployed model asks for the columns it reads, and for no others."""

from __future__ import annotations

from pathlib import Path

import pytest

from fairlead import Client
from tests.e2e.jobs import PENGUINS

pytestmark = pytest.mark.e2e


def test_an_identifier_that_the_preparation_dropped_need_not_be_sent(client: Client, tmp_path: Path) -> None:
    header, *rows = PENGUINS.read_text().splitlines()
    file = tmp_path / "tagged.csv"
    file.write_text("\n".join([f"tag,{header}", *(f"bird-{i:04},{row}" for i, row in enumerate(rows))]))
    client.datasets.upload(file, "tagged")
    workflow = client.workflows.start("tagged", target="species", budget="8s", families=["lightgbm"])
    client.workflows.wait(workflow["name"])
    client.deployments.create("tagged", "tagged")
    (row,) = client.datasets.rows("tagged", 1)
    del row["tag"], row["species"]

    answer = client.deployments.predict("tagged", [row])

    inputs = [i["name"] for i in client.models.version("tagged")["manifest"]["inputs"]]
    assert "tag" not in inputs
    assert answer["predictions"][0]["label"] == "Adelie"
