"""Builds a Bento of a folder with a bentofile.yaml: `python -m fairlead.admin.bento.build FOLDER VERSION OUTPUT`."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path


def build(context: Path, version: str, output: Path) -> None:
    """Build and put the Bento at the output: an archive where it ends with .bento, else a folder; whole or not at all.

    Raises bentoml.exceptions.BentoMLException or OSError.
    """
    import bentoml

    bento = bentoml.bentos.build_bentofile(version=version, build_ctx=str(context))
    part = output.with_name(f".{output.name}.part{output.suffix}")
    try:
        if output.suffix == ".bento":
            bento.export(str(part))
        else:
            shutil.copytree(bento.path, part)
            # BentoML makes it in a temporary folder, which is for its owner alone.
            part.chmod(0o755)
        part.replace(output)
    finally:
        # Gone already where all went well.
        if part.is_dir():
            shutil.rmtree(part)
        part.unlink(missing_ok=True)


if __name__ == "__main__":
    build(Path(sys.argv[1]), sys.argv[2], Path(sys.argv[3]))
