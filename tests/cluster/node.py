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
    uid = str(pod["metadata"]["uid"])
    found = [process for process in map(_number, Path("/proc").iterdir()) if process and _is_of(process, uid)]
    for process in found:
        with suppress(ProcessLookupError):
            os.kill(process, signal.SIGKILL)
    return len(found)


@contextmanager
def named(name: str, address: str) -> Iterator[None]:
    """Let this machine's programs know an address by a name, until the block ends: KEDA may run outside the cluster."""
    hosts = Path("/etc/hosts")
    line = f"{address} {name}\n"
    hosts.write_text(hosts.read_text() + line)
    try:
        yield
    finally:
        hosts.write_text(hosts.read_text().replace(line, ""))


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
