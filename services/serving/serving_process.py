"""The parts of one serving process, put together: state, the inference core, and every door on it."""

from __future__ import annotations

import os
import shutil
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from importlib import metadata

from fairlead.api.serving.v1 import deployment_service_pb2, prediction_service_pb2, relay_service_pb2
from fairlead.api.serving.v1.deployment_service_pb2_grpc import add_DeploymentServiceServicer_to_server
from fairlead.api.serving.v1.prediction_service_pb2_grpc import add_PredictionServiceServicer_to_server
from fairlead.api.serving.v1.relay_service_pb2_grpc import add_RelayServiceServicer_to_server
from fairlead.api.tasks.v1 import task_service_pb2
from fairlead.api.tasks.v1.task_service_pb2_grpc import add_TaskServiceServicer_to_server
from fairlead.kit import backends
from fairlead.kit.auth import verifier
from fairlead.kit.database import migrate
from fairlead.kit.drain_time import DrainTime
from fairlead.kit.logging import get_logger
from fairlead.kit.pulse import Pulse
from fairlead.kit.rpc.certificates import certificates
from fairlead.kit.rpc.channel import connect_to
from fairlead.kit.rpc.server import RpcServer
from fairlead.kit.tasks import MIGRATIONS as TASK_MIGRATIONS
from fairlead.kit.tasks import TaskOwner, TaskServicer, TaskStore, runner_for
from fairlead.kit.worker_pool import WorkerPool

from .adapters.deployments.follower import DeploymentFollower
from .adapters.deployments.registry import TrainerRegistry
from .adapters.deployments.store import SqlDeploymentStore
from .adapters.log.feedback_events import EventFeedbackSink
from .adapters.log.journal import Journal
from .adapters.log.losses import Losses
from .adapters.log.outbox import Outbox
from .adapters.log.prediction_log import JournaledPredictionLog
from .adapters.log.records import describe
from .adapters.metrics.admission import AdmissionMetrics
from .adapters.metrics.cache import PrometheusCacheObserver
from .adapters.metrics.requests import PrometheusObserver
from .adapters.metrics.shadows import PrometheusShadowObserver
from .adapters.models.known_schemas import KnownSchemas
from .adapters.models.memory import ProcessMemory
from .adapters.models.package import PackageLoader
from .adapters.tables import MIGRATIONS
from .domain.admission import Admission
from .domain.feedback import Feedback
from .domain.inference import Clock, Inference
from .domain.models.cache import ModelCache
from .domain.prediction_log import WhenFull
from .domain.statistics import StatisticsBook
from .domain.traffic.catalog import Catalog
from .domain.traffic.deployments import Deployments
from .domain.traffic.following import Following
from .domain.traffic.schedule import Schedule
from .domain.traffic.shadows import Shadows
from .doors.deployments.servicer import DeploymentServicer
from .doors.http2.front import Front
from .doors.http2.onward import Onward
from .doors.http2.server import Bounds as GrpcBounds
from .doors.http2.server import Http2Server
from .doors.open_inference.server import OpenInferenceServer
from .doors.predictions.servicer import PredictionServicer
from .doors.relay.forms import RelayDoor, RowsDoor, TensorsDoor
from .doors.relay.servicer import RelayServicer
from .doors.rest.app import OpenInferenceRest, RestLimits
from .doors.rest.model_routes import ModelRoutes
from .doors.rest.server import Bounds, HttpServer, listen
from .settings import ServingSettings

LOG = get_logger("fairlead.serving")
REST_WORKERS = 4
MEGABYTE = 1024 * 1024


class ServingProcess:
    """Opens every door but BentoML's, and closes them in order."""

    def __init__(self, settings: ServingSettings) -> None:
        """Open the state and build the doors; nothing listens before start()."""
        self._settings = settings
        self.drain = DrainTime(settings.drain_seconds)
        self._engine = backends.database(settings)
        migrate(self._engine, TASK_MIGRATIONS, MIGRATIONS)
        self._events = backends.event_log(settings)
        self._blobs = backends.blob_store(settings)
        self._catalog = Catalog(self._model_cache())
        self._outbox = Outbox(self._engine, self._events)
        # Its journal is its spool: a second one between it and the brokers would only move what waits.
        self._prediction_events = backends.event_log(settings, spool=False)
        self._log = self._prediction_log()
        observer = PrometheusObserver(is_known=self._catalog.knows)
        book = StatisticsBook(self._catalog.knows)
        clock = Clock(time.perf_counter_ns, time.time_ns, _random_id)
        self._shadows = Shadows(self._catalog, self._log, PrometheusShadowObserver())
        admission = Admission(settings.admission_limits, time.monotonic)
        self.inference = Inference(self._catalog, self._log, book, observer, clock, self._shadows, admission)
        self.bento_pool = WorkerPool(REST_WORKERS, name="bento", queue_seconds=settings.serving_queue_seconds)
        self._trainer = connect_to(settings, "trainer")
        store = SqlDeploymentStore(self._engine, self._outbox)
        forget = _each(observer.forget, book.remove, self._log.forget, admission.forget)
        self._deployments = Deployments(
            store, TrainerRegistry(self._trainer), self._catalog, now=_now, new_etag=_random_id, forget=forget
        )
        self._following = Following(store, self._catalog, forget)
        self._follower = DeploymentFollower(self._following, Schedule(self._deployments, self._catalog), _now)
        self._catalog.discover = self._follower.discover
        self._tasks = TaskStore(self._engine, self._events, settings.service)
        runner = runner_for(settings, f"{__package__}.worker")
        self._owner = TaskOwner(self._tasks, runner, concurrency=1, checkpoints=self._blobs)
        self._relay = self._relay_servicer()
        # Calls that its front does not answer; it is reached through that alone.
        inner = OpenInferenceServer(settings, self.inference, _version(), "127.0.0.1:0")
        self._servers = (self._own_server(), inner)
        self._stream_pool = WorkerPool(REST_WORKERS, name="stream", queue_seconds=settings.serving_queue_seconds)
        self._front, self._grpc = self._grpc_server(inner)
        self._rest_app, self._rest = self._rest_server()
        AdmissionMetrics(admission, self._refused, self._queues())

    @property
    def pulses(self) -> tuple[Pulse, ...]:
        """Return those of the doors' event loops."""
        return self._grpc.pulse, self._rest.pulse

    def start(self) -> None:
        """Serve what is deployed, take up unfinished work, and listen at every address.

        Raises Unavailable where a port is taken.
        """
        shutil.rmtree(self._settings.drafts, ignore_errors=True)
        self._outbox.publish()
        self._following.restore()
        self._follower.start()
        # Before the first call: a caller that repeats one after a restart must find its task taken up.
        self._owner.recover()
        for server in self._servers:
            server.start()
        self._grpc.start()
        # Last, so that its readiness tells of every door's.
        self._rest.start()

    def stop(self) -> None:
        """Refuse new calls, let those under way finish, publish what they left, and close everything."""
        self.drain.begin()
        self._relay.close()
        own, inner = self._servers

        def stop_grpc() -> None:
            # What goes on behind it ends after.
            self._grpc.stop(self.drain.left)
            self._stream_pool.shutdown()
            inner.stop(self.drain.left)

        doors = (lambda: own.stop(self.drain.left), lambda: self._rest.stop(self.drain.left), stop_grpc)
        with ThreadPoolExecutor(len(doors)) as closing:
            stops = [closing.submit(stop) for stop in doors]
        for stopped in stops:
            if (error := stopped.exception()) is not None:
                LOG.error("a door did not close as it should", exc_info=error)
        self._rest_app.close()
        self.bento_pool.shutdown()
        self._owner.close()
        self._follower.close()
        self._shadows.close()
        self._catalog.close()
        self._log.close()
        self._outbox.close()
        self._trainer.close()
        self._prediction_events.close()
        self._events.close()
        self._engine.dispose()

    def _model_cache(self) -> ModelCache:
        settings = self._settings
        memory = ProcessMemory()
        observer = PrometheusCacheObserver()
        loader = PackageLoader(self._blobs, threads=settings.serving_onnx_threads)
        cache = ModelCache(
            loader.load,
            fetch=loader.fetch,
            budget_bytes=settings.serving_models_mb * MEGABYTE,
            resident_bytes=memory.resident_bytes,
            loaders=settings.serving_loaders,
            observer=observer,
            clock=time.monotonic,
            used_bytes=memory.used_bytes,
            release=memory.release,
        )
        loader.count_in = cache.include
        observer.watch(cache)
        return cache

    def _prediction_log(self) -> JournaledPredictionLog:
        settings = self._settings
        journal = Journal(settings.spool, max_bytes=settings.serving_log_spool_mb * MEGABYTE, describe=describe)
        losses = Losses(settings.spool / "losses.json")
        return JournaledPredictionLog(journal, losses, self._prediction_events, WhenFull(settings.serving_log_full))

    def _own_server(self) -> RpcServer:
        settings = self._settings
        predictions = PredictionServicer(
            self.inference,
            Feedback(EventFeedbackSink(self._events), KnownSchemas(self._catalog.cache.find, self._blobs)),
            self._tasks,
            self._owner,
            settings.serving_load_seconds,
            settings.request_limits,
        )
        server = RpcServer(
            settings,
            workers=settings.serving_rpc_workers,
            max_message_mb=settings.serving_request_mb,
            queue_seconds=settings.serving_queue_seconds,
        )
        server.add(
            add_DeploymentServiceServicer_to_server,
            DeploymentServicer(self._deployments, self._catalog),
            deployment_service_pb2.DESCRIPTOR.services_by_name["DeploymentService"],
        )
        server.add(
            add_PredictionServiceServicer_to_server,
            predictions,
            prediction_service_pb2.DESCRIPTOR.services_by_name["PredictionService"],
        )
        server.add(
            add_RelayServiceServicer_to_server,
            self._relay,
            relay_service_pb2.DESCRIPTOR.services_by_name["RelayService"],
        )
        server.add(
            add_TaskServiceServicer_to_server,
            TaskServicer(self._tasks, self._owner),
            task_service_pb2.DESCRIPTOR.services_by_name["TaskService"],
        )
        return server

    def _grpc_server(self, inner: OpenInferenceServer) -> tuple[Front, Http2Server]:
        settings = self._settings
        onward = Onward(lambda: f"127.0.0.1:{inner.port}")
        message_bytes = settings.serving_request_mb * MEGABYTE
        front = Front(inner.servicer.predictions, verifier(settings), onward, self._stream_pool, message_bytes)
        bounds = GrpcBounds(
            settings.serving_connections, lag=settings.serving_queue_seconds, age=settings.connection_age_seconds
        )
        listener, known = listen(settings.grpc_address), certificates(settings)
        return front, Http2Server(front, onward, listener, bounds=bounds, certificates=known)

    def _relay_servicer(self) -> RelayServicer:
        told = (self.inference, self._settings.request_limits, self._settings.serving_load_seconds)
        doors: dict[int, RelayDoor] = {
            relay_service_pb2.RELAY_FORM_OPEN_INFERENCE: TensorsDoor(*told),
            relay_service_pb2.RELAY_FORM_ROWS: RowsDoor(*told),
        }
        return RelayServicer(doors)

    def _refused(self) -> dict[str, int]:
        """Return what doors refused on their own, by reason."""
        refused = Counter(self._rest.refused)
        refused.update(self._front.refused)
        return refused

    def _queues(self) -> dict[str, Callable[[], int]]:
        own, open_inference = self._servers
        return {
            "grpc": lambda: own.queued,
            "open_inference_grpc": lambda: open_inference.queued + self._front.queued,
            "open_inference_rest": lambda: self._rest_app.queued,
            "bentoml": lambda: self.bento_pool.queued,
        }

    def _rest_server(self) -> tuple[OpenInferenceRest, HttpServer]:
        settings = self._settings
        load_seconds = settings.serving_load_seconds
        app = OpenInferenceRest(
            self.inference,
            verifier(settings),
            ModelRoutes(self.inference, _version(), load_seconds),
            RestLimits(
                settings.serving_request_mb * MEGABYTE,
                load_seconds,
                settings.request_limits,
                settings.serving_queue_seconds,
            ),
            REST_WORKERS,
        )
        bounds = Bounds(settings.serving_connections, settings.serving_queue_seconds)
        return app, HttpServer(app, listen(settings.rest_address), bounds=bounds)


def _each(*actions: Callable[[str], None]) -> Callable[[str], None]:
    def run(name: str) -> None:
        for action in actions:
            action(name)

    return run


def _now() -> datetime:
    return datetime.now(UTC)


def _version() -> str:
    return metadata.version("fairlead")


def _random_id() -> str:
    return os.urandom(16).hex()
