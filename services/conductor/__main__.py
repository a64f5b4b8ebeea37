"""The conductor's composition root."""

from __future__ import annotations

from threading import Event

from fairlead.api.conductor.v1 import workflow_service_pb2
from fairlead.api.conductor.v1.workflow_service_pb2_grpc import add_WorkflowServiceServicer_to_server
from fairlead.api.tasks.v1 import task_service_pb2
from fairlead.api.tasks.v1.task_service_pb2_grpc import add_TaskServiceServicer_to_server
from fairlead.kit import backends
from fairlead.kit import tasks as kit_tasks
from fairlead.kit.database import migrate
from fairlead.kit.rpc.probes import open_probes
from fairlead.kit.rpc.server import RpcServer
from fairlead.kit.service_process import service_process
from fairlead.kit.tasks import CatchingUp, TaskServicer, TaskStore

from .adapters.child_task import ChildTasks
from .adapters.durable_steps import Steps
from .adapters.engine import WorkflowEngine
from .adapters.job import Job
from .adapters.peers import Peers
from .adapters.records import MIGRATIONS, WorkflowRecords
from .servicer import WorkflowServicer, new_workflow
from .settings import ConductorSettings


def main() -> None:
    """Serve until told to stop."""
    settings = ConductorSettings()
    with service_process(settings):
        _serve(settings)


def _serve(settings: ConductorSettings) -> None:
    probes = open_probes(settings)
    database = backends.database(settings)
    migrate(database, kit_tasks.MIGRATIONS, MIGRATIONS)
    events = backends.event_log(settings)
    tasks, records, peers = TaskStore(database, events, settings.service), WorkflowRecords(database), Peers.at(settings)
    stopping = Event()

    def job_of(name: str) -> Job:
        return Job(name, records, tasks, peers, stopping, settings.conductor_patience_seconds)

    days = settings.conductor_review_days
    steps = Steps(job_of, tasks, ChildTasks(events, settings.conductor_poll_seconds), days)
    engine = WorkflowEngine(settings.workflow_url, steps, records, tasks, days)
    server = RpcServer(settings, probes=probes)
    server.add(
        add_WorkflowServiceServicer_to_server,
        WorkflowServicer(engine, records, tasks),
        workflow_service_pb2.DESCRIPTOR.services_by_name["WorkflowService"],
    )
    server.add(
        add_TaskServiceServicer_to_server,
        TaskServicer(tasks, engine),
        task_service_pb2.DESCRIPTOR.services_by_name["TaskService"],
    )
    catching_up = CatchingUp(tasks)
    for action in (stopping.set, engine.close, catching_up.close, tasks.close, events.close):
        server.on_stop(action)
    engine.launch()
    try:
        resume(engine, records, tasks)
        server.start()
    except BaseException:
        # The engine's threads would keep the process from ending.
        stopping.set()
        engine.close()
        raise
    server.wait()


def resume(engine: WorkflowEngine, records: WorkflowRecords, tasks: TaskStore) -> None:
    """Take up what an earlier process accepted and did not end."""
    tasks.publish_missed()
    for task in tasks.unfinished():
        request = tasks.request(task.name, workflow_service_pb2.CreateWorkflowRequest)
        workflow = new_workflow(request, task)
        records.add(workflow)
        engine.resume(workflow.name)


if __name__ == "__main__":
    main()
