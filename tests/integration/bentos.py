"""Bentos of real models, and `bentoml serve` running one where nothing of Fairlead can be imported."""

from __future__ import annotations

import os
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path

import httpx

from fairlead.api.common.v1.table_pb2 import TaskType
from fairlead.api.trainer.v1.model_pb2 import ModelInput, ModelManifest, ModelRuntime
from services.trainer.adapters.package import write_package
from services.trainer.convert import column_kind_message
from services.trainer.domain.export import FittedModel, tensor_names, to_onnx
from services.trainer.domain.reference import capture_reference
from services.trainer.domain.table import TrainingTable
from tests.ports import free_port
from tests.waiting import until

LIBRARIES = ("numpy", "onnxruntime", "scikit-learn", "lightgbm", "xgboost-cpu", "onnx", "mlflow", "cloudpickle")
# Run by Python before anything else: in the Bento's process there is no Fairlead, nor what only training needs.
STANDALONE = """
import sys

class Absent:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in ("fairlead", "services", "tests", "pandas", "mlflow"):
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)

sys.meta_path.insert(0, Absent())
"""


def package(folder: Path, model: FittedModel, train: TrainingTable, runtime: ModelRuntime.ValueType) -> Path:
    """Write a package as the trainer does, for the gateway's zip of it."""
    names = tensor_names(train.inputs)
    task = TaskType.TASK_TYPE_BINARY if train.classes else TaskType.TASK_TYPE_REGRESSION
    manifest = ModelManifest(
        task_type=task,
        classes=train.classes,
        inputs=[ModelInput(name=c.name, kind=column_kind_message(c.kind), tensor=names[c.name]) for c in train.inputs],
        runtime=runtime,
        library_versions={name: version(name) for name in LIBRARIES},
    )
    write_package(
        folder,
        model=model,
        onnx_bytes=to_onnx(model, train.inputs).SerializeToString(),
        manifest=manifest,
        reference=capture_reference(train, model.predict_columns(train.columns)),
        card_text="# How it was trained\n",
    )
    return folder


def zipped(folder: Path) -> Path:
    """Return a zip of a package's files."""
    file = folder.with_name(f"{folder.name}.zip")
    with zipfile.ZipFile(file, "w") as archive:
        for path in folder.rglob("*"):
            if path.is_file():
                archive.write(path, path.relative_to(folder))
    return file


def standalone(folder: Path) -> dict[str, str]:
    """Return the environment of a machine without Fairlead, with a Bento store of its own in the folder."""
    site = folder / "site"
    site.mkdir(exist_ok=True)
    (site / "sitecustomize.py").write_text(STANDALONE)
    others = {name: value for name, value in os.environ.items() if not name.startswith(("FAIRLEAD", "BENTOML", "COV"))}
    store = str(folder / "bentoml")
    return {**others, "PYTHONPATH": str(site), "BENTOML_HOME": store, "BENTOML_DO_NOT_TRACK": "True"}


def bentoml(folder: Path, *arguments: str) -> str:
    """Run a command of BentoML's and return what it printed."""
    command = [sys.executable, "-m", "bentoml", *arguments]
    done = subprocess.run(command, env=standalone(folder), capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


@contextmanager
def served(bento: str, folder: Path, cwd: Path | None = None) -> Iterator[httpx.Client]:
    """Run `bentoml serve` for a Bento, which is named by a folder or a tag, and give a client once it is ready."""
    port = free_port()
    command = [sys.executable, "-m", "bentoml", "serve", bento, "--host", "127.0.0.1", "--port", str(port)]
    with (folder / "serve.log").open("w+") as log:
        process = subprocess.Popen(command, cwd=cwd, env=standalone(folder), stdout=log, stderr=log)
        try:
            with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=60) as http:
                until(lambda: _is_ready(http, process, log.name), "the Bento to be ready", seconds=180)
                yield http
        finally:
            process.terminate()
            process.wait(timeout=60)


def _is_ready(http: httpx.Client, process: subprocess.Popen[bytes], log: str) -> bool:
    assert process.poll() is None, Path(log).read_text()
    try:
        return http.get("/readyz").status_code == 200
    except httpx.TransportError:
        return False
