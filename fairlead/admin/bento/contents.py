"""What lies in the Bento: our service's source, the model's files, a README and the requirements."""

from __future__ import annotations

import json
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fairlead.admin.bento.fairlead_model.manifest import (
    CARD,
    FOLDER,
    KINDS,
    MANIFEST,
    NATIVE_MODEL,
    ONNX_MODEL,
    ORIGIN,
    Manifest,
    read_manifest,
)
from fairlead.admin.bento.readme import readme_of
from fairlead.admin.bento.requirements import python_version_of, requirements_of
from fairlead.kit.errors import FailedPrecondition

SOURCE = Path(__file__).parent / "fairlead_model"
SERVICE = f"{SOURCE.name}.service:FairleadModel"
REFERENCE = "reference.json"


@dataclass(frozen=True)
class Contents:
    """What was written: the tag its Bento will have, what predicts, and what it needs."""

    tag: str
    runtime: str
    requirements: tuple[str, ...]


def write_contents(package: Path, model_version: str, context: Path) -> Contents:
    """Write the folder that BentoML builds of, and return what it is.

    Raises FailedPrecondition where the package lacks a file, or says what this release does not know.
    """
    model = context / FOLDER.name
    manifest, said = _copy_model(package, model_version, model)
    shutil.copytree(SOURCE, context / SOURCE.name, ignore=shutil.ignore_patterns("__pycache__"))
    versions: dict[str, str] = said.get("libraryVersions", {})
    requirements = requirements_of(manifest, versions)
    reference = _json(package / REFERENCE) if (package / REFERENCE).exists() else {}
    (context / "README.md").write_text(readme_of(manifest, reference, requirements), "utf-8")
    _write_bentofile(context, manifest, requirements, python_version_of(package))
    runtime = "native" if manifest.native else "onnx"
    return Contents(f"{manifest.model}:{manifest.number}", runtime, requirements)


def _copy_model(package: Path, model_version: str, folder: Path) -> tuple[Manifest, dict[str, Any]]:
    folder.mkdir(parents=True)
    (folder / ORIGIN).write_text(json.dumps({"model_version": model_version}), "utf-8")
    try:
        said = _json(package / MANIFEST)
        shutil.copyfile(package / MANIFEST, folder / MANIFEST)
        manifest = read_manifest(folder)
        needed = NATIVE_MODEL if manifest.native else ONNX_MODEL
        (folder / needed).parent.mkdir(exist_ok=True)
        shutil.copyfile(package / needed, folder / needed)
    except FileNotFoundError as error:
        missing = Path(str(error.filename)).name
        raise FailedPrecondition(f"the package of {model_version} has no {missing}") from error
    except (ValueError, KeyError) as error:
        known = ", ".join(KINDS)
        raise FailedPrecondition(
            f"the manifest of {model_version} is not readable here ({error!r}); inputs are of {known}"
        ) from error
    if (package / CARD).exists():
        shutil.copyfile(package / CARD, folder / CARD)
    return manifest, said


def _write_bentofile(context: Path, manifest: Manifest, requirements: tuple[str, ...], python: str) -> None:
    project = manifest.version.split("/")[1]
    bentofile = {
        "name": manifest.model,
        "service": SERVICE,
        "labels": {"made-by": "fairlead", "project": project, "model": manifest.model, "version": manifest.number},
        "include": [f"{SOURCE.name}/*.py", f"{FOLDER.name}/*", f"{FOLDER.name}/native/*", "README.md"],
        # Locking asks a package index; exporting works without a network.
        "python": {"packages": list(requirements), "lock_packages": False},
        "docker": {"python_version": python},
    }
    # JSON is YAML.
    (context / "bentofile.yaml").write_text(json.dumps(bentofile, indent=2), "utf-8")


def _json(path: Path) -> dict[str, Any]:
    return dict(json.loads(path.read_text("utf-8")))
