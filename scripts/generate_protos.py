"""Generate fairlead/api from protos/, or with --check prove that the committed code is fresh."""

from __future__ import annotations

import argparse
import filecmp
import os
import sys
import tempfile
from importlib.resources import files
from pathlib import Path

from grpc_tools import protoc

ROOT = Path(__file__).resolve().parent.parent
PROTOS = ROOT / "protos"
INIT = '"""Generated from protos/; do not edit."""\n'


def generate(output: Path) -> None:
    """Write the Python code of every contract below output. Raises SystemExit where protoc refuses."""
    # The mypy plugins are console scripts of the environment that runs this.
    os.environ["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    sources = sorted(str(path.relative_to(PROTOS)) for path in PROTOS.rglob("*.proto"))
    status = protoc.main(
        [
            "protoc",
            f"--proto_path={PROTOS}",
            f"--proto_path={files('grpc_tools') / '_proto'}",
            f"--python_out={output}",
            f"--mypy_out=quiet:{output}",
            f"--grpc_python_out={output}",
            f"--mypy_grpc_out=quiet:{output}",
            *sources,
        ]
    )
    if status != 0:
        raise SystemExit(f"protoc ended with status {status}")
    api = output / "fairlead" / "api"
    for stub in api.rglob("*_pb2_grpc.py"):
        # A file without a service needs no stub module.
        if (
            "service "
            not in (PROTOS / stub.relative_to(output).parent / stub.name.replace("_pb2_grpc.py", ".proto")).read_text()
        ):
            stub.unlink()
            stub.with_suffix(".pyi").unlink(missing_ok=True)
    for folder in [api, *(path for path in api.rglob("*") if path.is_dir())]:
        (folder / "__init__.py").write_text(INIT)


def differences(fresh: Path, committed: Path) -> list[str]:
    """Return the files that differ, are missing or are left over, relative to fairlead/api."""
    names = {
        str(path.relative_to(root))
        for root in (fresh, committed)
        for path in root.rglob("*.py*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    return sorted(
        name
        for name in names
        if not (fresh / name).exists()
        or not (committed / name).exists()
        or not filecmp.cmp(fresh / name, committed / name, shallow=False)
    )


def main() -> None:
    """Generate in place, or compare when asked to check."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="change nothing; fail where the committed code is stale")
    if not parser.parse_args().check:
        generate(ROOT)
        return
    with tempfile.TemporaryDirectory() as folder:
        generate(Path(folder))
        stale = differences(Path(folder) / "fairlead" / "api", ROOT / "fairlead" / "api")
    if stale:
        raise SystemExit("stale generated code, run `make protos`:\n  " + "\n  ".join(stale))


if __name__ == "__main__":
    main()
