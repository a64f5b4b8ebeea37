"""The load generators: wrk for HTTP and ghz for gRPC. What is absent is installed where that is possible."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

GHZ = "github.com/bojand/ghz/cmd/ghz@latest"


def wrk() -> str:
    """Return wrk's path; installs it with apt-get where there is none."""
    found = shutil.which("wrk")
    if found is None and shutil.which("apt-get") and os.geteuid() == 0:
        subprocess.run(["apt-get", "install", "-y", "-q", "wrk"], check=False, stdout=subprocess.DEVNULL)
        found = shutil.which("wrk")
    if found is None:
        raise SystemExit("wrk is not installed: `apt-get install wrk`, or build it from github.com/wg/wrk")
    return found


def ghz(cache: Path) -> str:
    """Return ghz's path; builds it with Go below the cache where there is none."""
    folder = cache / "tools"
    found = shutil.which("ghz") or shutil.which("ghz", path=str(folder))
    if found is None and shutil.which("go"):
        folder.mkdir(parents=True, exist_ok=True)
        subprocess.run(["go", "install", GHZ], check=False, env={**os.environ, "GOBIN": str(folder.resolve())})
        found = shutil.which("ghz", path=str(folder))
    if found is None:
        raise SystemExit(f"ghz is not installed: `go install {GHZ}`, or get it from github.com/bojand/ghz/releases")
    return found
