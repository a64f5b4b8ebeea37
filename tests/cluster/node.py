"""What only the node can do: kill a container's process without a word to Kubernetes."""

from __future__ import annotations

import os
import signal
from pathlib import Path
from typing import Any


def kill(pod: dict[str, Any]) -> int:
    """Send SIGKILL to every process of a pod on this machine, but for the one that holds its network.

    Return how many there were.
    """
    uid = str(pod["metadata"]["uid"])
    found = [process for process in map(_number, Path("/proc").iterdir()) if process and _is_of(process, uid)]
    for process in found:
        os.kill(process, signal.SIGKILL)
    return len(found)


def _number(folder: Path) -> int:
    return int(folder.name) if folder.name.isdigit() else 0


def _is_of(process: int, uid: str) -> bool:
    folder = Path("/proc", str(process))
    try:
        groups = (folder / "cgroup").read_text().replace("_", "-")
        return uid in groups and (folder / "comm").read_text().strip() != "pause"
    except (FileNotFoundError, ProcessLookupError):
        # Gone since its folder was listed.
        return False
