"""Opening MLflow's database; importing this is cheap, opening imports MLflow (seconds, 170 MB)."""

from __future__ import annotations

import logging
import os
import threading
from pathlib import Path
from typing import Any
from uuid import uuid4

from fairlead.kit.database import exclusive, parse_url

_QUIET = {
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "DO_NOT_TRACK": "true",
    "MLFLOW_LOGGING_LEVEL": "ERROR",
    "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",
    "GIT_PYTHON_REFRESH": "quiet",
}
# Of each of MLflow's two stores; a process of ours asks one thing after another.
_POOL = {"MLFLOW_SQLALCHEMYSTORE_POOL_SIZE": "1", "MLFLOW_SQLALCHEMYSTORE_MAX_OVERFLOW": "4"}
_ONE_IMPORT = threading.Lock()


def open_mlflow(url: str) -> Any:
    """Return an MlflowClient on the database, whose tables are made first where they are missing.

    Safe from several threads and processes: one of them makes the tables, under a lock on the database.
    """
    with _ONE_IMPORT:
        os.environ.update(_QUIET)
        logging.getLogger("alembic").setLevel(logging.WARNING)
        parsed = parse_url(url)
        if parsed.get_backend_name() == "postgresql":
            os.environ.update(_POOL)
            import mlflow  # noqa: F401 - seconds, which others need not wait for

            with exclusive(url, "tables"):
                return _client(parsed.render_as_string(hide_password=False))
        path = Path(parsed.database) if parsed.database else None
        if path is not None and not path.exists():
            with exclusive(url, "tables"):
                if not path.exists():
                    _make(path)
        return _client(url)


def _client(url: str) -> Any:
    from mlflow import MlflowClient

    client = MlflowClient(tracking_uri=url, registry_uri=url)
    # Each opens a store, which makes its tables where there are none.
    client.search_experiments(max_results=1)
    client.search_registered_models(max_results=1)
    return client


def _make(path: Path) -> None:
    """Make the tables in a draft and move it into place, so that a process killed meanwhile leaves no half of them."""
    draft = path.with_name(f"{path.name}.{uuid4().hex}.draft")
    try:
        _client(f"sqlite:///{draft}")
        draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)
