"""Where events wait while Kafka is away, how many bytes of them, and what happens then."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal


@dataclass(frozen=True)
class SpoolLimits:
    """A spool is one file, which a service and its child processes share."""

    path: Path
    max_bytes: int = 256 * 1024 * 1024
    when_full: Literal["refuse", "drop_oldest"] = "refuse"
