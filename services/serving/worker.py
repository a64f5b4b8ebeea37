"""Composition root of the child process that predicts in batch: python -m ...worker TASK_NAME."""

from __future__ import annotations

from google.protobuf.message import Message

from fairlead.kit import backends
from fairlead.kit.rpc.channel import connect
from fairlead.kit.tasks import TaskContext, run_worker

from .adapters.deployment_store import SqlDeploymentReader
from .adapters.package import PackageLoader
from .adapters.tables import MIGRATIONS
from .batch_predict import BatchPredictor
from .domain.batch_request import BATCH_KIND
from .settings import ServingSettings


def main() -> None:
    """Do the work of one task."""
    settings = ServingSettings()

    def batch_predict(task: TaskContext) -> Message:
        engine = backends.database(settings)
        blobs = backends.blob_store(settings)
        profiler = connect(settings.profiler_address, token=settings.service_token.get_secret_value())
        loader = PackageLoader(blobs, threads=settings.serving_onnx_threads)
        return BatchPredictor(
            SqlDeploymentReader(engine), loader, blobs, profiler, settings.drafts, settings.serving_batch_rows
        )(task)

    run_worker(settings, {BATCH_KIND: batch_predict}, migrations=(MIGRATIONS,))


if __name__ == "__main__":
    main()
