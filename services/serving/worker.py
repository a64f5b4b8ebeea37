"""Composition root of the child process that predicts in batch: python -m ...worker TASK_NAME."""

from __future__ import annotations

from google.protobuf.message import Message

from fairlead.kit import backends
from fairlead.kit.rpc.channel import connect_to
from fairlead.kit.tasks import TaskContext, run_worker

from .adapters.batch_prediction.opening import BatchLimits
from .adapters.deployments.registry import TrainerRegistry
from .adapters.deployments.store import SqlDeploymentReader
from .adapters.models.package import PackageLoader
from .adapters.tables import MIGRATIONS
from .batch_predict import BatchPredictor
from .domain.batch_prediction.request import BATCH_KIND
from .settings import ServingSettings


def main() -> None:
    """Do the work of one task."""
    settings = ServingSettings()

    def batch_predict(task: TaskContext) -> Message:
        blobs = backends.blob_store(settings)
        return BatchPredictor(
            SqlDeploymentReader(backends.database(settings)),
            TrainerRegistry(connect_to(settings, "trainer")),
            # Each call is computed by the thread that makes it: parts are predicted side by side.
            PackageLoader(blobs, threads=1),
            blobs,
            connect_to(settings, "profiler"),
            settings.home / "serving" / "batches",
            BatchLimits(
                settings.serving_batch_rows,
                settings.serving_batch_part_mb * 1024 * 1024,
                settings.serving_batch_threads,
                settings.serving_batch_rejected_rows,
            ),
            loses_disk=settings.runner == "kubernetes",
        )(task)

    run_worker(settings, {BATCH_KIND: batch_predict}, migrations=(MIGRATIONS,))


if __name__ == "__main__":
    main()
