"""Composition root of the child processes that import and profile: `python -m <package>.worker TASK_NAME`."""

from __future__ import annotations

from fairlead.kit import backends
from fairlead.kit.tasks import run_worker

from .adapters.catalog import MIGRATIONS, Catalog
from .adapters.duck import DuckLimits
from .settings import ProfilerSettings
from .work import Workshop


def main() -> None:
    """Do the work of the task named on the command line."""
    settings = ProfilerSettings()
    scratch = settings.home / "scratch"
    scratch.mkdir(parents=True, exist_ok=True)
    workshop = Workshop(
        Catalog(backends.database(settings)),
        backends.blob_store(settings),
        scratch,
        DuckLimits(settings.profiler_memory_limit, settings.profiler_threads),
        settings.profiler_sample_rows,
    )
    run_worker(settings, {"import": workshop.import_dataset, "profile": workshop.profile}, migrations=(MIGRATIONS,))


if __name__ == "__main__":
    main()
