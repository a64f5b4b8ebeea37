"""Long work: tasks that run in processes or Jobs of their own, with progress, log lines, cancel and recovery."""

from pathlib import Path

from fairlead.kit.tasks.catching_up import CatchingUp
from fairlead.kit.tasks.checkpoint_writer import CheckpointWriter
from fairlead.kit.tasks.checkpoints import Checkpoints
from fairlead.kit.tasks.context import TaskContext
from fairlead.kit.tasks.local_runner import LocalRunner
from fairlead.kit.tasks.log_lines import format_line
from fairlead.kit.tasks.owner import TaskOwner
from fairlead.kit.tasks.runner import Ending, Runner, Work
from fairlead.kit.tasks.runners import runner_for
from fairlead.kit.tasks.servicer import TaskServicer
from fairlead.kit.tasks.store import TaskStore
from fairlead.kit.tasks.worker import Handler, run_worker

# The Alembic revisions of the table of tasks, for fairlead.kit.database.migrate.
MIGRATIONS = Path(__file__).parent / "migrations"

__all__ = [
    "MIGRATIONS",
    "CatchingUp",
    "CheckpointWriter",
    "Checkpoints",
    "Ending",
    "Handler",
    "LocalRunner",
    "Runner",
    "TaskContext",
    "TaskOwner",
    "TaskServicer",
    "TaskStore",
    "Work",
    "format_line",
    "run_worker",
    "runner_for",
]
