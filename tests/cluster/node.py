"""What only the node can do, without a word to Kubernetes: to processes of containers, and to folders of volumes."""

from __future__ import annotations

import os
import shutil
import signal
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from tests.cluster.commands import kubectl, objects


def kill(pod: dict[str, Any]) -> int:
    """Send SIGKILL to every process of a pod on this machine, but for the one that holds its network.

    Return how many there were.
    """
    return _send(pod, signal.SIGKILL)


@contextmanager
def standing_still(pod: dict[str, Any]) -> Iterator[None]:
    """Stop the processes of a pod on this machine until the block ends."""
    assert _send(pod, signal.SIGSTOP) > 0
    try:
        yield
    finally:
        _send(pod, signal.SIGCONT)


def _send(pod: dict[str, Any], number: signal.Signals) -> int:
    uid = str(pod["metadata"]["uid"])
    found = [process for process in map(_number, Path("/proc").iterdir()) if process and _is_of(process, uid)]
    for process in found:
        with suppress(ProcessLookupError):
            os.kill(process, number)
    return len(found)


def empty_volumes(namespace: str) -> None:
    """Empty the volumes that claims of a namespace had, where they are folders of this machine, for others to claim."""
    for volume in objects("persistentvolumes"):
        claim, folder = volume["spec"].get("claimRef", {}), volume["spec"].get("hostPath")
        if claim.get("namespace") == namespace and folder is not None:
            for entry in Path(folder["path"]).iterdir():
                shutil.rmtree(entry) if entry.is_dir() else entry.unlink()
            kubectl("patch", "pv", volume["metadata"]["name"], "-p", '{"spec": {"claimRef": null}}')


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
