"""Each peer's own throwaway environment, made by uv below the cache, so that a second run finds it there."""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

MODEL = ("scikit-learn==1.8.0", "lightgbm==4.7.0", "pandas")
"""The libraries of the pipeline, in the versions that trained it."""
PACKAGES = {
    "mlflow": ("mlflow==3.17.2", *MODEL),
    "mlserver": ("mlserver==1.7.1", "mlserver-sklearn==1.7.1", *MODEL),
    "bentoml": ("bentoml==1.4.39", *MODEL),
    "kserve": ("kserve==0.21.0", *MODEL),
    # The bare servers; their libraries are those that Fairlead has, and orjson.
    "floor": (
        *(f"{name}=={version(name)}" for name in ("uvicorn", "uvloop", "httptools", "numpy", "onnxruntime")),
        *(f"{name}=={version(name)}" for name in ("grpcio", "protobuf")),
        "orjson",
    ),
    "skl2onnx": ("skl2onnx==1.20.0", "onnxmltools==1.16.0", "onnx==1.23.2", "packaging", "onnxruntime", *MODEL),
}


def python_of(name: str, cache: Path) -> Path:
    """Return the interpreter of an environment, made where absent or where its packages changed."""
    packages = PACKAGES[name]
    folder = cache / "environments" / f"{name}-{hashlib.sha256(' '.join(packages).encode()).hexdigest()[:8]}"
    python = folder / "bin" / "python"
    if (folder / "complete").exists():
        return python
    uv = shutil.which("uv") or shutil.which("uv", path=str(Path(sys.executable).parent))
    if uv is None:
        raise SystemExit("uv makes the peers' environments: `pip install uv`")
    print(f"making the environment of {name} ...", flush=True)
    # The pipeline is a pickle: the same Python reads it.
    python_version = f"{sys.version_info.major}.{sys.version_info.minor}"
    subprocess.run([uv, "venv", "-q", "--clear", "--python", python_version, str(folder)], check=True)
    subprocess.run([uv, "pip", "install", "-q", "--python", str(python), *packages], check=True)
    (folder / "complete").touch()
    return python
