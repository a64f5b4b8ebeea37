"""Files of rows, and what predicts them in batch as the service does."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from fairlead.kit.blobs import open_blob_store
from services.serving.adapters.batch_prediction.assembly import RejectedFile
from services.serving.adapters.batch_prediction.opening import BatchLimits, open_prediction, plan_of
from services.serving.adapters.batch_prediction.part_folder import PartFolder
from services.serving.domain.batch_prediction.parts import Tally
from services.serving.domain.batch_prediction.request import kind_of
from services.serving.domain.batch_prediction.values import missing_texts
from services.serving.domain.models.model import Model, ModelSource

VERSION = ModelSource("projects/p/models/m/versions/1", "models/p/m-1")


@dataclass
class Told:
    """Keeps what an observer is told."""

    shares: list[float] = field(default_factory=list)
    resumed: tuple[int, int] = (0, 0)
    damage: list[int] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    then: Callable[[int], None] = lambda _: None

    def note(self, message: str) -> None:
        self.notes.append(message)

    def taken_up(self, parts: int, records: int) -> None:
        self.resumed = (parts, records)

    def damaged(self, index: int) -> None:
        self.damage.append(index)

    def part(self, share: float, tally: Tally) -> None:
        self.shares.append(share)
        self.then(len(self.shares))


@dataclass(frozen=True)
class Predicted:
    """What became of a file."""

    tally: Tally
    result: Path
    rejected: str
    told: Told


def predict(
    file: Path,
    model: Model,
    format: str = "csv",
    *,
    part_bytes: int = 8 << 20,
    rows: int = 1000,
    threads: int = 2,
    most_rejected: int = 1000,
    known: dict[str, list[str]] | None = None,
    told: Told | None = None,
) -> Predicted:
    """Predict a file; its parts lie in `parts` beside it, and are taken up by the next call."""
    told = told or Told()
    limits = BatchLimits(rows, part_bytes, threads, most_rejected)
    blobs = open_blob_store(f"file://{file.parent}/blobs", file.parent / "cache")
    parts = PartFolder(file.parent / "parts")
    plan = plan_of("sha256/of/file", kind_of(file.name), VERSION, format, limits)
    parts.begin(plan)
    with (
        RejectedFile(parts.path / "rejected.csv") as rejected,
        open_prediction(
            file,
            plan,
            model,
            parts,
            rejected,
            told,
            known=missing_texts((known or {}).items()),
            threads=threads,
            most_rejected=most_rejected,
        ) as prediction,
    ):
        tally = prediction.run()
        result = blobs.fetch(prediction.assembly.store(blobs).key)
        key = rejected.store(blobs)
        return Predicted(tally, result, blobs.fetch(key).read_text("utf-8") if key else "", told)
