"""A name for a process, by which another of the same machine sees whether it still lives."""

from __future__ import annotations

import os
import platform
import secrets
from pathlib import Path

_BOOT = Path("/proc/sys/kernel/random/boot_id")
_NAMESPACE = Path("/proc/self/ns/pid")
_DEAD = {"Z", "X"}


def new_process_id() -> str:
    """Return a name like machine/pid/start/random that no other caller gets, also of this process."""
    pid = os.getpid()
    return f"{_machine()}/{pid}/{_start(pid)}/{secrets.token_hex(6)}"


def is_known_dead(process_id: str) -> bool:
    """Return whether the process is certainly gone; of another machine's that can't be told from here."""
    machine, pid, start = process_id.rsplit("/", 3)[:3] if process_id.count("/") >= 3 else ("", "", "")
    if not pid.isdecimal() or machine != _machine():
        return False
    return _start(int(pid)) != start


def _machine() -> str:
    """Return what is the same for processes that see each other by their ids: a boot, and a container of it."""
    try:
        return f"{_BOOT.read_text().strip()}.{_NAMESPACE.readlink().name.strip('pid:[]')}"
    except OSError:
        return platform.node().replace("/", "-")


def _start(pid: int) -> str:
    """Return when a process began, which tells it from a later one of the same id; "" where there is none."""
    try:
        # The name in parentheses may hold anything; the state and 18 fields are between it and the start, see proc(5).
        fields = Path(f"/proc/{pid}/stat").read_text(errors="replace").rpartition(")")[2].split()
        return "" if fields[0] in _DEAD else fields[19]
    except OSError:
        return _start_without_proc(pid)


def _start_without_proc(pid: int) -> str:
    if Path("/proc/self/stat").exists():
        return ""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return ""
    except PermissionError:
        return "alive"
    return "alive"
