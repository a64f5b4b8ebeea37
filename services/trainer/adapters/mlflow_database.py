"""Opening MLflow's database; importing this is cheap, opening imports MLflow (seconds, 170 MB)."""

from __future__ import annotations

import fcntl
import logging
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from uuid import uuid4

from sqlalchemy import make_url

_QUIET = {
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "DO_NOT_TRACK": "true",
    "MLFLOW_LOGGING_LEVEL": "ERROR",
    "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",
    "GIT_PYTHON_REFRESH": "quiet",
}
_ONE_IMPORT = threading.Lock()


def open_mlflow(url: str) -> Any:
    """Return an MlflowClient on the database, which is made first where it is missing.

    Safe from several threads and processes: a file lock beside a SQLite database lets one of them make it.
    """
    with _ONE_IMPORT:
        os.environ.update(_QUIET)
        logging.getLogger("alembic").setLevel(logging.WARNING)
        path = _sqlite_path(url)
        if path is not None and not path.exists():
            with _locked(path.with_suffix(".lock")):
                if not path.exists():
                    _make(path)
        return _client(url)


def _client(url: str) -> Any:
    from mlflow import MlflowClient

    client = MlflowClient(tracking_uri=url, registry_uri=url)
    client.search_experiments(max_results=1)  # opens the store, which brings its tables up to date
    return client


def _make(path: Path) -> None:
    """Make the tables in a draft and move it into place, so that a process killed meanwhile leaves no half of them."""
    draft = path.with_name(f"{path.name}.{uuid4().hex}.draft")
    try:
        _client(f"sqlite:///{draft}")
        draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)


def _sqlite_path(url: str) -> Path | None:
    parsed = make_url(url)
    if parsed.get_backend_name() != "sqlite" or not parsed.database:
        return None
    return Path(parsed.database)


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
