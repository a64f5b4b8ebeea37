"""What the model reads and answers, as the files beside this code say."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parent.parent / "model"
MANIFEST = "manifest.json"
ORIGIN = "origin.json"
ONNX_MODEL = "model.onnx"
NATIVE_MODEL = "native/model.pkl"
CARD = "model_card.md"

NUMBER = "number"
TEXT = "text"
DATETIME = "datetime"
BOOLEAN = "boolean"
KINDS = {f"COLUMN_KIND_{kind.upper()}": kind for kind in (NUMBER, TEXT, DATETIME, BOOLEAN)}


@dataclass(frozen=True)
class Column:
    """One column the model reads; tensor is its name in the ONNX graph."""

    name: str
    kind: str
    tensor: str


@dataclass(frozen=True)
class Manifest:
    """The model's version (its full name in Fairlead), its columns in order, and its classes: none for regression."""

    version: str
    columns: tuple[Column, ...]
    classes: tuple[str, ...]
    native: bool

    @property
    def model(self) -> str:
        """Return the model's id."""
        return self.version.split("/")[3]

    @property
    def number(self) -> str:
        """Return the version's number."""
        return self.version.rpartition("/")[2]


def read_manifest(folder: Path = FOLDER) -> Manifest:
    """Return what the folder's files say. Raises OSError, ValueError or KeyError where they do not."""
    said: dict[str, Any] = json.loads((folder / MANIFEST).read_text("utf-8"))
    origin: dict[str, Any] = json.loads((folder / ORIGIN).read_text("utf-8"))
    columns = [Column(each["name"], KINDS[each["kind"]], each.get("tensor") or each["name"]) for each in said["inputs"]]
    native = said["runtime"] == "MODEL_RUNTIME_NATIVE"
    return Manifest(origin["model_version"], tuple(columns), tuple(said.get("classes", ())), native)
