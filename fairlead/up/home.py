"""What `fairlead up` keeps below its home folder: tokens, the address and a lock."""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import secrets
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import IO

# Left below home by a restore that has not ended well.
RESTORE_MARK = "restore-under-way.json"


@dataclass(frozen=True)
class Running:
    """Where a running Fairlead is to be found."""

    url: str
    pid: int


@dataclass(frozen=True)
class Token:
    """A secret and whether it was made just now."""

    value: str
    path: Path
    is_new: bool

    @property
    def sha256(self) -> str:
        """Return the secret's SHA-256, hexadecimal."""
        return hashlib.sha256(self.value.encode()).hexdigest()


def keep_token(path: Path) -> Token:
    """Return the token stored at path, made and stored with mode 0600 when there is none."""
    if path.exists():
        return Token(path.read_text().strip(), path, is_new=False)
    value = secrets.token_urlsafe(32)
    # Whole or not at all: an empty token would lock its owner out.
    part = path.with_name(f"{path.name}.part")
    descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(value + "\n")
    part.replace(path)
    return Token(value, path, is_new=True)


def lock(home: Path) -> IO[str] | None:
    """Return an open lock that ends with this process, or None where another `fairlead up` holds it."""
    file = (home / "up.lock").open("w")
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        file.close()
        return None
    return file


def write_running(home: Path, running: Running) -> None:
    """Tell clients of this home where Fairlead runs."""
    # Whole or not at all: a client may read it at this moment.
    part = home / "up.json.part"
    part.write_text(json.dumps(asdict(running)))
    part.replace(home / "up.json")


def read_running(home: Path) -> Running | None:
    """Return where Fairlead runs, or None where it was never started or was stopped."""
    try:
        return Running(**json.loads((home / "up.json").read_text()))
    except FileNotFoundError:
        return None


def forget_running(home: Path) -> None:
    """Tell clients of this home that Fairlead was stopped."""
    (home / "up.json").unlink(missing_ok=True)
