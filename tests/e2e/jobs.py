"""The job on real datasets: from a file to a registered model, once a dataset."""

from __future__ import annotations

import gzip
from dataclasses import dataclass
from pathlib import Path

from fairlead import Client
from fairlead.client import Json
from tests.data import SHARED_DATA


@dataclass(frozen=True)
class Dataset:
    """A real file, what to predict, and how long to search."""

    id: str
    target: str | None
    budget: str


ADULT = Dataset("adult", "income", "60s")
HEART = Dataset("heart", "num > 0", "15s")
WINE = Dataset("wine", "quality", "25s")
HOUSING = Dataset("housing", None, "25s")
DATASETS = (ADULT, HEART, WINE, HOUSING)


PENGUINS = SHARED_DATA / "penguins" / "penguins.csv"


class Jobs:
    """Runs workflows and remembers them."""

    def __init__(self, client: Client, folder: Path) -> None:
        self._client = client
        self._folder = folder
        self._done: dict[str, Json] = {}

    def file(self, dataset: Dataset) -> Path:
        """Return the dataset's file as its user has it."""
        if dataset is ADULT:
            return SHARED_DATA / "adult" / "adult.csv"
        if dataset is HEART:
            return SHARED_DATA / "heart_disease" / "heart_disease.csv"
        if dataset is HOUSING:
            return SHARED_DATA / "california_housing" / "california_housing.csv.gz"
        wine = self._folder / "wine.csv"
        if not wine.exists():
            red, white = (
                (SHARED_DATA / "wine_quality" / f"winequality_{colour}.csv").read_text().splitlines()
                for colour in ("red", "white")
            )
            wine.write_text("\n".join([*red, *white[1:]]) + "\n")
        return wine

    def trained(self, dataset: Dataset) -> Json:
        """Return the finished workflow of a dataset."""
        if dataset.id not in self._done:
            self._client.datasets.upload(self.file(dataset), dataset.id)
            workflow = self._client.workflows.start(dataset.id, target=dataset.target, budget=dataset.budget, seed=7)
            self._done[dataset.id] = self._client.workflows.wait(workflow["name"])
        return self._done[dataset.id]

    def deployed(self, dataset: Dataset) -> Json:
        """Return the deployment of a dataset's model."""
        self.trained(dataset)
        known = {d["name"].rsplit("/", 1)[-1]: d for d in self._client.deployments.list()}
        return known.get(dataset.id) or self._client.deployments.create(dataset.id, dataset.id)

    def rows(self, dataset: Dataset, count: int) -> list[Json]:
        """Return rows of the dataset's file as the API shows them, without the target."""
        workflow = self.trained(dataset)
        target = workflow["target"]["column"]
        found: list[Json] = []
        while len(found) < count:
            page = self._client.datasets.rows(dataset.id, min(1000, count - len(found)), skip=len(found))
            found += [{key: value for key, value in row.items() if key != target} for row in page]
        return found


def read_text(path: Path) -> str:
    """Return a file's text, unpacked."""
    return gzip.decompress(path.read_bytes()).decode() if path.suffix == ".gz" else path.read_text()
