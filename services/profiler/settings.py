"""Settings of the profiler, beside those every service has."""

from __future__ import annotations

from typing import ClassVar

from pydantic import Field

from fairlead.kit.settings import KitSettings


class ProfilerSettings(KitSettings):
    """Environment variables FAIRLEAD_PROFILER_..."""

    service: ClassVar[str] = "profiler"

    profiler_memory_limit: str = Field(
        "600MB", description="Memory one import or profile may use, as DuckDB writes it."
    )
    profiler_threads: int = Field(2, ge=1, description="Threads one import or profile may use.")
    profiler_concurrency: int = Field(2, ge=1, description="Imports and profiles that run at the same time.")
    profiler_sample_rows: int = Field(
        1_000_000, ge=1000, description="Rows from which larger tables' distributions are estimated."
    )
