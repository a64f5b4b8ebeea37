"""What every service's process begins with: its log, its traces, and one line where it can't start."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager

from fairlead.kit.errors import FairleadError
from fairlead.kit.logging import configure_logging, get_logger
from fairlead.kit.settings import KitSettings
from fairlead.kit.tracing import configure_tracing


@contextmanager
def service_process(settings: KitSettings) -> Iterator[None]:
    """Log and trace as the settings say; a FairleadError that comes out of the block ends the process with status 1."""
    configure_logging(settings.service, settings.log_level, settings.log_format)
    configure_tracing(settings.service, settings.otlp_endpoint, settings.trace_ratio)
    try:
        yield
    except FairleadError as error:
        get_logger(f"fairlead.{settings.service}").error(f"{settings.service} can't start", why=error.message)
        sys.exit(1)
