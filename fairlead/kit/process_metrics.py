"""What Prometheus sees of any service's process: which it is, and how much room its disk has."""

from __future__ import annotations

import shutil
from importlib import metadata
from pathlib import Path

from prometheus_client import Gauge

from fairlead.kit.certificate_expiry import expiry_of
from fairlead.kit.settings import KitSettings

INFO = Gauge("fairlead_info", "Always 1: which service this is, in which version.", ["service", "version"])
FREE_BYTES = Gauge("fairlead_home_free_bytes", "Bytes that are free on the disk of FAIRLEAD_HOME.")
SIZE_BYTES = Gauge("fairlead_home_size_bytes", "Bytes of the disk of FAIRLEAD_HOME.")
CERTIFICATE_EXPIRY = Gauge(
    "fairlead_tls_certificate_expiry_timestamp_seconds",
    "When the certificate that this service shows ends; 0 where it shows none, or one that can't be read.",
)


def tell_of_process(settings: KitSettings) -> None:
    """Let the gauges tell of this process, which has these settings."""

    def usage() -> tuple[int, int]:
        try:
            found = shutil.disk_usage(settings.home)
        except OSError:
            # Not made yet, or away: the other metrics are to be seen all the same.
            return 0, 0
        return found.free, found.total

    def expiry() -> float:
        file = settings.tls_certificate_file
        try:
            return expiry_of(Path(file)).timestamp() if file else 0.0
        except (OSError, ValueError):
            return 0.0

    INFO.labels(settings.service, metadata.version("fairlead")).set(1)
    FREE_BYTES.set_function(lambda: usage()[0])
    SIZE_BYTES.set_function(lambda: usage()[1])
    CERTIFICATE_EXPIRY.set_function(expiry)
