"""From a package, as the gateway gives it, to a Bento."""

from __future__ import annotations

import os
import subprocess
import sys
import zipfile
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory

from fairlead.admin.bento.contents import write_contents
from fairlead.kit.errors import AlreadyExists, FailedPrecondition

ARCHIVE = ".bento"


@dataclass(frozen=True)
class ExportedBento:
    """A Bento that was made: its tag in a Bento store, where it lies, and whether ONNX or the estimator predicts."""

    tag: str
    path: Path
    model_version: str
    runtime: str
    requirements: tuple[str, ...]


def check_export(output: Path) -> None:
    """Raise ImportError without BentoML, AlreadyExists where the output is there."""
    if find_spec("bentoml") is None:
        raise ImportError("BentoML is not installed", name="bentoml")
    if output.exists():
        raise AlreadyExists(f"{output} is there already; remove it or choose another with --output")


def export_bento(package: Path, model_version: str, output: Path) -> ExportedBento:
    """Make a Bento of a package (a zip, as the gateway gives it) and return where it is.

    An output that ends with .bento becomes an archive for `bentoml import`, any other a folder for `bentoml serve`.
    Raises ImportError without BentoML, AlreadyExists where the output is there, FailedPrecondition where the package
    can't be served or BentoML refuses it.
    """
    check_export(output)
    # BentoML 1.4 finds no Bento by a relative path, but for ".".
    output = output.absolute()
    with TemporaryDirectory(prefix="fairlead-bento-") as temporary:
        unpacked, context = Path(temporary, "package"), Path(temporary, "context")
        with zipfile.ZipFile(package) as archive:
            archive.extractall(unpacked)
        contents = write_contents(unpacked, model_version, context)
        output.parent.mkdir(parents=True, exist_ok=True)
        _build(context, contents.tag.partition(":")[2], output, Path(temporary, "home"))
    return ExportedBento(contents.tag, output, model_version, contents.runtime, contents.requirements)


def _build(context: Path, version: str, output: Path, home: Path) -> None:
    """Build in a process of its own: BentoML reads its settings once, and imports what it packs."""
    command = [sys.executable, "-m", "fairlead.admin.bento.build", str(context), version, str(output)]
    environment = {**os.environ, "BENTOML_HOME": str(home), "BENTOML_DO_NOT_TRACK": "True"}
    # BentoML reads no file outside of where it runs.
    done = subprocess.run(command, cwd=context, env=environment, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise FailedPrecondition(f"BentoML could not build the Bento: {_reason(done.stderr)}")


def _reason(said: str) -> str:
    lines = [line for line in said.splitlines() if line.strip()]
    return lines[-1].strip() if lines else "it did not say why"
