"""Where Fairlead is and who calls: given, from the environment, or left by `fairlead up` on this machine."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from pathlib import Path


class NotConnected(Exception):
    """No address or no token could be found; the message says how to give one."""


@dataclass(frozen=True)
class Connection:
    """An address and a token."""

    url: str
    token: str


def default_home() -> Path:
    """Return the home folder of a local Fairlead: FAIRLEAD_HOME, or ~/.fairlead."""
    return Path(os.environ.get("FAIRLEAD_HOME") or Path.home() / ".fairlead").expanduser()


def find_connection(url: str | None = None, token: str | None = None) -> Connection:
    """Return where to call: the arguments, else FAIRLEAD_URL and FAIRLEAD_TOKEN, else the local Fairlead.

    Raises NotConnected where nothing names one.
    """
    home = default_home()
    url = url or os.environ.get("FAIRLEAD_URL") or _local_url(home)
    token = token or os.environ.get("FAIRLEAD_TOKEN") or _local_token(home)
    if not url:
        raise NotConnected(
            f"no Fairlead is running with home {home}; start one with `fairlead up`, or set FAIRLEAD_URL and "
            "FAIRLEAD_TOKEN"
        )
    if not token:
        raise NotConnected("no token; set FAIRLEAD_TOKEN to the one that `fairlead up` printed")
    return Connection(url.rstrip("/"), token)


def _local_url(home: Path) -> str | None:
    try:
        return str(json.loads((home / "up.json").read_text())["url"])
    except FileNotFoundError:
        return None


def _local_token(home: Path) -> str | None:
    try:
        return (home / "token").read_text().strip()
    except FileNotFoundError:
        return None
