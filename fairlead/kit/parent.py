"""A service that does not outlive the `fairlead up` that started it."""

from __future__ import annotations

import os
import signal
import threading
import time

from fairlead.kit.logging import get_logger

_LOOK_SECONDS = 0.5
# Taken as early as this is imported: a parent may be gone before the service is ready to watch it.
_PARENT = os.getppid()


def stop_with_parent() -> None:
    """Ask this process to stop, by SIGTERM, once the process that started it is gone."""
    threading.Thread(target=_watch, name="parent-watch", daemon=True).start()


def _watch() -> None:
    while os.getppid() == _PARENT:
        time.sleep(_LOOK_SECONDS)
    get_logger("fairlead.parent").warning("the process that started this service is gone; stopping")
    os.kill(os.getpid(), signal.SIGTERM)
