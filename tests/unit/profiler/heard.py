"""A reporter that remembers what it was told."""

from __future__ import annotations


class Heard:
    def __init__(self) -> None:
        self.lines: list[tuple[str, str]] = []
        self.stages: list[tuple[float, str]] = []

    def progress(self, value: float, stage: str = "", resource: str = "") -> None:
        self.stages.append((value, stage))

    def log(self, source: str, message: str, *, level: str = "INFO", **meta: object) -> None:
        self.lines.append((source, message))
