"""A task's messages as a progress bar with its log above."""

from __future__ import annotations

from types import TracebackType
from typing import Self

from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeElapsedColumn

from fairlead.cli.output import errors
from fairlead.client import Json

_STAGE_MARKS = {"succeeded": "[green]✓[/]", "failed": "[red]✗[/]", "waiting": "[yellow]…[/]", "cancelled": "[red]✗[/]"}


class TaskProgress:
    """Call it with each message of a task; use it in a with block. It draws on standard error."""

    def __init__(self, title: str, quiet: bool = False, logs: bool = True) -> None:
        self._logs = logs
        self._progress = Progress(
            TextColumn("{task.description:<28}"),
            BarColumn(bar_width=30),
            TaskProgressColumn(),
            TimeElapsedColumn(),
            console=errors,
            disable=quiet,
        )
        self._bar = self._progress.add_task(title, total=1.0)
        self._title = title
        self._quiet = quiet

    def __enter__(self) -> Self:
        self._progress.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._progress.stop()

    def __call__(self, message: Json) -> None:
        """Show one message."""
        if self._quiet:
            return
        match message["type"]:
            case "TASK":
                task = message["task"]
                stage = f" · {task['stage']}" if task["stage"] else ""
                self._progress.update(self._bar, completed=task["progress"], description=f"{self._title}{stage}")
            case "LOG" if self._logs:
                self._print(log_line(message["log"]))
            case "STAGE_STATUS":
                stage = message["stage_status"]["stage"]
                if stage["state"] in _STAGE_MARKS:
                    self._progress.print(f"{_STAGE_MARKS[stage['state']]} [bold]{stage['id']}[/] ", end="")
                    self._print(stage["summary"])
            case "TRAIN_PROGRESS":
                trial = message["train_progress"]
                self._print(
                    f"  trial {trial['trials_done']}: {trial['candidate']} {trial['metric']} {trial['score']:.4f}, "
                    f"best {trial['best_score']:.4f} after {trial['elapsed_seconds']:.0f} s"
                )

    def _print(self, text: str) -> None:
        self._progress.print(text, markup=False, highlight=False)


def log_line(line: Json) -> str:
    """Return a log line as text: "INFO 2026-01-31T17:01:03Z | prepare.impute | Replaced 12 nulls"."""
    return f"{line['level']} {line['time']} | {line['source']} | {line['message']}"
