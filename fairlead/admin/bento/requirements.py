"""What a Bento needs to be installed: the versions that trained the model and were checked against each other."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from fairlead.admin.bento.fairlead_model.manifest import Manifest

ONNX = ("numpy", "onnxruntime")
# They trained, logged or exported it; none of them is asked when it predicts.
NOT_NATIVE = ("mlflow", "onnx", "onnxruntime")


def requirements_of(manifest: Manifest, trained_with: Mapping[str, str]) -> tuple[str, ...]:
    """Return pinned requirements, but for BentoML itself, which adds its own.

    A version that the manifest does not name is that of this machine; a library neither has is left without one.
    """
    names = [name for name in trained_with if name not in NOT_NATIVE] if manifest.native else ONNX
    return tuple(sorted(_pinned(name, trained_with) for name in names))


def python_version_of(package: Path) -> str:
    """Return the minor Python version, such as "3.11", that the package was made by; else the one that runs."""
    environment = package / "python_env.yaml"
    if environment.exists():
        for line in environment.read_text("utf-8").splitlines():
            key, _, found = line.partition(":")
            if key == "python" and found.count(".") >= 1:
                return ".".join(found.strip().split(".")[:2])
    return f"{sys.version_info.major}.{sys.version_info.minor}"


def _pinned(name: str, trained_with: Mapping[str, str]) -> str:
    found = trained_with.get(name) or _installed(name)
    return f"{name}=={found}" if found else name


def _installed(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return ""
