"""The parts that a batch prediction is made in: what they are made from, and what a finished one is remembered by."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from typing import Any

LAYOUT = 3
"""Raised when parts are laid out or written in another way, so that those of an older release are not taken up."""

FAULTS_TOLD = 3
"""How many faults an error tells, as examples."""


@dataclass(frozen=True)
class Plan:
    """Everything that a part's bytes depend on; parts are taken up again only where all of it is the same."""

    source_blob: str
    kind: str
    model_version: str
    package_blob: str
    format: str
    part_bytes: int
    batch_rows: int
    writer: str
    layout: int = LAYOUT

    @property
    def key(self) -> str:
        """Return a name that no other plan has."""
        return _sha256(self.to_json())[:32]

    def to_json(self) -> str:
        """Return the plan as JSON."""
        return json.dumps(asdict(self), sort_keys=True)


@dataclass(frozen=True)
class Fault:
    """Why a record was left out: its place in the part from 0, a column ("" for the whole record), and what it held."""

    record: int
    column: str
    reason: str
    value: str = ""


@dataclass(frozen=True)
class Tally:
    """How many rows were predicted, how often each label, and the sum of predicted numbers."""

    rows: int = 0
    labels: Counter[str] = field(default_factory=Counter)
    value_sum: float = 0.0

    def __add__(self, other: Tally) -> Tally:
        """Return both together."""
        return Tally(self.rows + other.rows, self.labels + other.labels, self.value_sum + other.value_sum)

    def __str__(self) -> str:
        if self.labels:
            return ", ".join(f"{count:,} x '{label}'" for label, count in self.labels.most_common(10))
        return f"mean {self.value_sum / self.rows:.6g}" if self.rows else "nothing"


@dataclass(frozen=True)
class Part:
    """A finished part: its place in the source, the records there, what became of them, and its files' check sums.

    start and end are bytes of a text file, rows of a Parquet file. Of the faults only the first are held here: a part
    may have one in each of its cells. All of them are in a file of their own, where there are any.
    """

    index: int
    start: int
    end: int
    records: int
    tally: Tally
    rejected: int
    """How many records were left out."""
    first_faults: tuple[Fault, ...]
    sha256: str
    faults_sha256: str = ""

    def to_json(self) -> str:
        """Return the part as JSON, with a check sum of its own."""
        tally = {"rows": self.tally.rows, "labels": dict(self.tally.labels), "value_sum": self.tally.value_sum}
        faults = [asdict(fault) for fault in self.first_faults]
        body = json.dumps({**vars(self), "tally": tally, "first_faults": faults}, sort_keys=True)
        return json.dumps({"part": body, "check": _sha256(body)})


def plan_of_json(text: str) -> Plan:
    """Return what to_json wrote. Raises ValueError or TypeError for anything else."""
    return Plan(**json.loads(text))


def part_of_json(text: str) -> Part:
    """Return what to_json wrote. Raises ValueError, KeyError or TypeError for anything else."""
    written = json.loads(text)
    if _sha256(written["part"]) != written["check"]:
        raise ValueError("the check sum does not fit")
    body: dict[str, Any] = json.loads(written["part"])
    tally = body.pop("tally")
    faults = tuple(Fault(**fault) for fault in body.pop("first_faults"))
    return Part(**body, tally=Tally(tally["rows"], Counter(tally["labels"]), tally["value_sum"]), first_faults=faults)


def describe_faults(faults: Iterable[tuple[int, Fault]], shown: int = FAULTS_TOLD) -> str:
    """Return the first faults as text; each comes with the number of its row in the file, from 1."""
    told = []
    for number, (row, fault) in enumerate(faults):
        if number == shown:
            break
        where = f"row {row}" + (f", column '{fault.column}'" if fault.column else "")
        told.append(f"{where}: {fault.value[:60]!r} {fault.reason}")
    return "; ".join(told)


def _sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
