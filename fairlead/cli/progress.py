"""A task's messages as a progress bar with its log above."""

from __future__ import annotations

from types import TracebackType
from typing import Self

from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeElapsedColumn
from rich.text import Text

from fairlead.cli.output import errors
from fairlead.client import Json
from fairlead.client.names import id_of

_STAGE_MARKS = {
    "succeeded": ("✓", "green"),
    "failed": ("✗", "red"),
    "waiting": ("…", "yellow"),
    "cancelled": ("✗", "red"),
}


_STAGE_LINES = "conductor."


class TaskProgress:
    """Call it with each message of a task; use it in a with block. It draws on standard error.

    With logs the task's own lines are shown, which tell of trials too; without, one line a trial.
    """

    def __init__(self, title: str, quiet: bool = False, logs: bool = True) -> None:
        self._logs = logs
        self._progress = Progress(
            TextColumn("{task.description:<28}", markup=False),
            BarColumn(bar_width=30),
            TaskProgressColumn(),
            TimeElapsedColumn(),
            console=errors,
            disable=quiet,
        )
        self._bar = self._progress.add_task(title, total=1.0)
        self._title = title
        self._quiet = quiet
        # A line of a workflow that its stage may be about to say again.
        self._held: Json | None = None

    def __enter__(self) -> Self:
        self._progress.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._print_held()
        self._progress.stop()

    def __call__(self, message: Json) -> None:
        """Show one message."""
        if self._quiet:
            return
        match message["type"]:
            case "TASK":
                task = message["task"]
                stage = f" · {task['stage']}" if task["stage"] else ""
                done = task["progress"] or 0.0
                self._progress.update(self._bar, completed=done, description=f"{self._title}{stage}")
            case "LOG" if self._logs:
                self._print_held()
                self._held = message["log"]
                if not self._held["source"].startswith(_STAGE_LINES):
                    self._print_held()
            case "STAGE_STATUS":
                self._print_stage(message["stage_status"])
            case "TRAIN_PROGRESS" if not self._logs:
                self._print(Text(trial_line(message["train_progress"])))

    def _print_stage(self, status: Json) -> None:
        stage = status["stage"]
        if stage["state"] not in _STAGE_MARKS:
            return
        if self._held is not None and self._held["message"] == stage["summary"]:
            self._held = None
        self._print_held()
        mark, style = _STAGE_MARKS[stage["state"]]
        self._print(Text.assemble((mark, style), " ", (stage["id"], "bold"), " ", stage["summary"]))
        if stage["state"] == "waiting":
            command = f"fairlead workflows review {id_of(status['workflow'])} --approve"
            self._print(Text(f"  it waits for a person: {command} (or --reject)", style="yellow"))

    def _print_held(self) -> None:
        if self._held is not None:
            self._print(Text(log_line(self._held)))
            self._held = None

    def _print(self, text: Text) -> None:
        self._progress.print(text, highlight=False)


def log_line(line: Json) -> str:
    """Return a log line as text: "INFO 2026-01-31T17:01:03Z | prepare.impute | Replaced 12 nulls"."""
    return f"{line['level']} {line['time'][:19]}Z | {line['source']} | {line['message']}"


def trial_line(trial: Json) -> str:
    """Return a trial that ended as text."""
    score, best = (f"{value:.4f}" if value is not None else "?" for value in (trial["score"], trial["best_score"]))
    seconds = f" after {trial['elapsed_seconds']:.0f} s" if trial["elapsed_seconds"] is not None else ""
    return f"  trial {trial['trials_done']}: {trial['candidate']} {trial['metric']} {score}, best {best}{seconds}"
