"""Where Fairlead is and who calls: given, from the environment, or left by `fairlead up` on this machine."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from fairlead.client.errors import NotConnected

_THIS_MACHINE = frozenset({"localhost", "127.0.0.1", "::1"})


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

    The local token is for this machine only: it is never sent to another. Raises NotConnected where nothing names one.
    """
    home = default_home()
    url = url or os.environ.get("FAIRLEAD_URL") or _local_url(home)
    token = token or os.environ.get("FAIRLEAD_TOKEN")
    if not url:
        raise NotConnected(
            f"no Fairlead is running with home {home}; start one with `fairlead up`, or set FAIRLEAD_URL and "
            "FAIRLEAD_TOKEN"
        )
    if urlsplit(url).scheme not in ("http", "https") or not urlsplit(url).hostname:
        raise NotConnected(f"'{url}' is no address of a Fairlead; write it as http://host:7400")
    if not token and urlsplit(url).hostname in _THIS_MACHINE:
        token = _local_token(home)
    if not token:
        raise NotConnected(f"no token for {url}; set FAIRLEAD_TOKEN to the one that `fairlead up` printed there")
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
