"""Packages of models that take their time."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import cloudpickle
from google.protobuf import json_format

from fairlead.api.trainer.v1 import model_pb2
from tests.unit.serving import packages


class Slow:
    """Tells twice the rooms; sleeps so long first, or computes where the machine is to be busy with it."""

    def __init__(self, seconds: float, computes: bool) -> None:
        self.seconds, self.computes = seconds, computes

    def predict_columns(self, columns: dict[str, Any]) -> Any:
        import time

        if not self.computes:
            time.sleep(self.seconds)
        until = time.thread_time() + self.seconds
        while self.computes and time.thread_time() < until:
            pass
        return columns["rooms"] * 2.0


def slow_package(folder: Path, seconds: float, *, computes: bool = False) -> Path:
    """A native package of that model: its inputs are rooms and age."""
    package = packages.regressor(folder)
    package.manifest.runtime = model_pb2.MODEL_RUNTIME_NATIVE
    (folder / "manifest.json").write_text(json_format.MessageToJson(package.manifest), "utf-8")
    import tests.unit.serving.slow_packages as here

    cloudpickle.register_pickle_by_value(here)
    try:
        (folder / "native" / "model.pkl").write_bytes(cloudpickle.dumps(Slow(seconds, computes)))
    finally:
        cloudpickle.unregister_pickle_by_value(here)
    return folder
